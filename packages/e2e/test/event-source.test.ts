import { TaskcastServerClient } from '@taskcast/server-sdk'
import { cuttingProxy, startServer } from '@taskcast/test-support'
import { expect, test } from 'vitest'
import { launch } from '../src/browser.js'
import { guarded, token } from '../src/tokens.js'

const count = process.env['TASKCAST_TEST_COUNTS'] === 'full' ? 1_000 : 300
test('the EventSource of a browser, with a ticket, through a proxy that cuts: each event once, then silence', {
  timeout: 120_000,
}, async () => {
  const server = await startServer({
    env: { ...guarded, TASKCAST_SSE_RETRY_MS: '20' },
  })
  const proxy = await cuttingProxy(server.url, { seed: 11, min: 50, max: 500 })
  const client = new TaskcastServerClient({ baseUrl: server.url, token: token({ scope: ['*'] }) })
  const browser = await launch()
  const page = await browser.newPage()
  await page.goto(`${server.url}/health`)

  const { id } = await client.createTask()
  await client.publishEvent(id, { type: 'n', data: 0 })
  const { ticket } = await client.createTicket(id)
  const address = `${proxy.url}/tasks/${id}/events?includeStatus=false&ticket=${encodeURIComponent(ticket)}`
  await page.evaluate((address) => {
    const seen: unknown[] = []
    const stream = new EventSource(address)
    Object.assign(globalThis, { seen, stream })
    stream.addEventListener('taskcast.event', (e) => seen.push(JSON.parse(e.data).data))
    stream.addEventListener('taskcast.gap', () => seen.push('gap'))
  }, address)
  const look = () =>
    page.evaluate(() => {
      const { seen, stream } = globalThis as unknown as { seen: unknown[]; stream: EventSource }
      return { seen, state: stream.readyState }
    })
  await expect.poll(async () => (await look()).seen.length).toBeGreaterThan(0)
  for (let n = 1; n < count; n += 1) {
    await client.publishEvent(id, { type: 'n', data: n })
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await client.complete(id)

  // It is told the end, comes back by itself with the id of it, and is told 204: closed for good.
  await expect.poll(async () => (await look()).state, { timeout: 20_000 }).toBe(2)
  expect((await look()).seen).toEqual(Array.from({ length: count }, (_, n) => n))
  const { connections } = proxy
  expect(connections).toBeGreaterThan(5)
  await page.waitForTimeout(500)
  expect(proxy.connections).toBe(connections)
  await browser.close()
  await proxy.close()
  await server.stop()
})
