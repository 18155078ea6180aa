/** The chat of the examples: a server, its backend, and a browser before both. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Server, type ServerOptions, startServer } from '@taskcast/test-support'
import type { BrowserContext, Page } from 'playwright-core'
import { type Running, start } from './run.js'

/** What the tests ask. */
export const prompt = 'Why?'
/** How the model of the tests speaks: for some seconds. */
export const tokens = 160

/** A backend under way, with its server. */
export interface Chat {
  url: string
  server: Server
  /** Kills the server, and starts it anew at the same port after a while. */
  crash(afterMs: number): Promise<void>
  stop(): Promise<void>
}

/** How a chat differs from the usual one. */
export interface ChatOptions {
  /** The folder of the page, below the examples. */
  page?: string
  delay?: number
  env?: Record<string, string>
  server?: Record<string, string>
  /** Where the browser finds the server, where that is not the server itself. */
  through?: (serverUrl: string) => Promise<string>
}

/** Starts all of it. */
export async function startChat(folder: string, options: ChatOptions = {}): Promise<Chat> {
  const data = await mkdtemp(join(tmpdir(), 'taskcast-chat-'))
  const serverOptions: ServerOptions = {
    storage: 'sqlite',
    database: `${data}/chat.db`,
    env: { TASKCAST_SSE_RETRY_MS: '200', ...options.server },
  }
  let server = await startServer(serverOptions)
  const backend: Running = await start(process.execPath, ['server.mjs'], /^The chat is at (\S+)/, {
    cwd: `${folder}backend-node`,
    env: {
      PORT: '0',
      TASKCAST_URL: server.url,
      TASKCAST_PUBLIC_URL: (await options.through?.(server.url)) ?? server.url,
      CHAT_PAGE: `${folder}${options.page ?? 'chat-html'}`,
      MODEL_TOKENS: String(tokens),
      MODEL_DELAY: String(options.delay ?? 20),
      ...options.env,
    },
  })
  return {
    url: backend.found,
    get server() {
      return server
    },
    async crash(afterMs) {
      const { port } = server
      await server.stop('SIGKILL')
      await new Promise((resolve) => setTimeout(resolve, afterMs))
      server = await startServer({ ...serverOptions, port })
    },
    async stop() {
      await backend.stop()
      await server.stop()
      await rm(data, { recursive: true })
    },
  }
}

/** Opens the chat and asks. */
export async function ask(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(url)
  await page.fill('#prompt', prompt)
  await page.click('button')
  return page
}

/** Waits until this much of the answer is shown. */
export async function shows(page: Page, characters: number): Promise<void> {
  await page.waitForFunction(
    (wanted) => (document.querySelector('.answer')?.textContent?.length ?? 0) >= wanted,
    characters,
  )
}

/** Waits until the answer is whole, and gives it. */
export async function answerOf(page: Page): Promise<string | null> {
  await page.waitForSelector('.answer[data-state=done]')
  return page.textContent('.answer')
}
