import { cuttingProxy } from '@taskcast/test-support'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, test as base, beforeAll, describe, type ExpectStatic } from 'vitest'
import { launch, picture, watchAnswers, witnessOf } from '../src/browser.js'
import { examples } from '../src/built.js'
import {
  answerOf,
  ask,
  type Chat,
  type ChatOptions,
  prompt,
  shows,
  startChat,
  tokens,
} from '../src/chat.js'
import { holdingProxy } from '../src/holding.js'
import { run } from '../src/run.js'

/** The chat pages of the examples, in Chromium, in the middle of an answer. */
const limit = { timeout: 60_000, concurrent: true }

let browser: Browser
let folder: string
let source: string

beforeAll(async () => {
  folder = examples()
  const model = await import(`${folder}backend-node/model.mjs`)
  source = model.wholeAnswer(prompt, tokens)
  browser = await launch()
  await run(process.execPath, [viteOf(), 'build'], { cwd: `${folder}chat-react` })
}, 60_000)
afterAll(() => browser?.close())

const viteOf = () => new URL('../../node_modules/vite/bin/vite.js', import.meta.url).pathname

/** Each test has a browser profile of its own, whose pages are watched, and a chat. */
const test = base.extend<{
  context: BrowserContext
  start: (options: ChatOptions) => Promise<Chat>
}>({
  // biome-ignore lint/correctness/noEmptyPattern: fixtures take their fixtures as a pattern
  context: async ({}, use) => {
    const context = await browser.newContext()
    await watchAnswers(context, source)
    await use(context)
    await context.close()
  },
  // biome-ignore lint/correctness/noEmptyPattern: fixtures take their fixtures as a pattern
  start: async ({}, use) => {
    const started: Chat[] = []
    await use(async (options) => {
      const chat = await startChat(folder, options)
      started.push(chat)
      return chat
    })
    for (const chat of started) await chat.stop()
  },
})

/** The answer is the source, and on the way there nothing was shown twice, wrongly, or taken away. */
async function expectWhole(expect: ExpectStatic, page: Page) {
  expect(await answerOf(page)).toBe(source)
  expect(await witnessOf(page)).toMatchObject({ shrunk: 0, wrong: [] })
  expect(await page.textContent('.question')).toBe(prompt)
}

describe.for(['chat-html', 'chat-react/dist'])('%s', (page) => {
  const name = page.split('/')[0]

  test('an answer is shown as it comes', limit, async ({ context, start, expect }) => {
    const { url } = await start({ page })
    const tab = await ask(context, url)
    await shows(tab, 100)
    await picture(tab, `${name}-streaming`)
    await expectWhole(expect, tab)
    expect((await witnessOf(tab)).changes).toBeGreaterThan(20)
    await picture(tab, `${name}-done`)
  })

  test('a reload', limit, async ({ context, start, expect }) => {
    const { url } = await start({ page })
    const tab = await ask(context, url)
    await shows(tab, 100)
    await tab.reload()
    await shows(tab, 100)
    expect(await tab.textContent('.answer')).not.toBe(source)
    await expectWhole(expect, tab)
    await tab.reload()
    await expectWhole(expect, tab)
  })

  test('a second tab', limit, async ({ context, start, expect }) => {
    const { url } = await start({ page })
    const first = await ask(context, url)
    await shows(first, 100)
    const second = await context.newPage()
    await second.goto(first.url())
    await shows(second, 100)
    expect(await second.textContent('.answer')).not.toBe(source)
    await Promise.all([expectWhole(expect, first), expectWhole(expect, second)])
  })

  test('offline for five seconds', limit, async ({ context, start, expect }) => {
    let proxy: Awaited<ReturnType<typeof cuttingProxy>> | undefined
    const { url } = await start({
      page,
      delay: 40,
      through: async (server) => {
        proxy = await cuttingProxy(server)
        return proxy.url
      },
    })
    const tab = await ask(context, url)
    await shows(tab, 100)
    // The browser takes itself for offline, and what was open breaks off.
    await context.setOffline(true)
    if (proxy) proxy.offline = true
    await tab.waitForSelector('.answer[data-state=reconnecting]')
    const before = await tab.textContent('.answer')
    await picture(tab, `${name}-offline`)
    await tab.waitForTimeout(5_000)
    expect(await tab.textContent('.answer')).toBe(before)
    if (proxy) proxy.offline = false
    await context.setOffline(false)
    await tab.waitForSelector('.answer[data-state=streaming]')
    await expectWhole(expect, tab)
    await proxy?.close()
  })

  test('the server is killed, and comes back', limit, async ({ context, start, expect }) => {
    const running = await start({ page })
    const tab = await ask(context, running.url)
    await shows(tab, 100)
    await running.crash(500)
    await shows(tab, 400)
    await running.crash(0)
    await expectWhole(expect, tab)
  })

  test(
    'a proxy that holds everything until a heartbeat',
    limit,
    async ({ context, start, expect }) => {
      let proxy: Awaited<ReturnType<typeof holdingProxy>> | undefined
      const { url } = await start({
        page,
        server: { TASKCAST_SSE_HEARTBEAT_MS: '100' },
        through: async (server) => {
          proxy = await holdingProxy(server)
          return proxy.url
        },
      })
      const tab = await ask(context, url)
      await shows(tab, 100)
      expect(await tab.textContent('.answer')).not.toBe(source)
      await expectWhole(expect, tab)
      expect(proxy?.releases).toBeGreaterThan(2)
      await proxy?.close()
    },
  )

  test(
    'a proxy that cuts every connection after 50 to 500 ms',
    limit,
    async ({ context, start, expect }) => {
      let proxy: Awaited<ReturnType<typeof cuttingProxy>> | undefined
      const { url } = await start({
        page,
        server: { TASKCAST_SSE_RETRY_MS: '50' },
        through: async (server) => {
          proxy = await cuttingProxy(server, { seed: 7, min: 50, max: 500 })
          return proxy.url
        },
      })
      const tab = await ask(context, url)
      await expectWhole(expect, tab)
      expect(proxy?.connections).toBeGreaterThan(5)
      await proxy?.close()
    },
  )

  test('a token that ends every two seconds', limit, async ({ context, start, expect }) => {
    const secret = 'a secret of the browser tests, long enough'
    const { url } = await start({
      page,
      delay: 40,
      env: { TASKCAST_JWT_SECRET: secret, TOKEN_SECONDS: '2' },
      server: {
        TASKCAST_AUTH_MODE: 'jwt',
        TASKCAST_JWT_SECRET: secret,
        TASKCAST_AUTH_JWT_LEEWAY_SECONDS: '0',
      },
    })
    const used = new Set<string | undefined>()
    context.on('request', (request) => {
      if (request.url().endsWith('/events')) used.add(request.headers()['authorization'])
    })
    const tab = await ask(context, url)
    await expectWhole(expect, tab)
    expect(used.size).toBeGreaterThan(2)
  })
})
