/** Headless Chromium. */

import { existsSync, mkdirSync } from 'node:fs'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { repository } from './built.js'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Starts a browser with an empty profile. CHROMIUM_BIN names another one than Debian's. */
export function launch(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM_BIN'] ?? places.find((path) => existsSync(path))
  if (executablePath === undefined) {
    throw new Error('there is no Chromium: `apt-get install chromium`, or set CHROMIUM_BIN')
  }
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** Keeps a picture of a page as test output. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = `${repository}test-output/`
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: `${folder}${name}.png` })
}

/** What went wrong on a page, as an observer of every change of an answer saw it. */
export interface Witness {
  /** Changes after which less was shown than before. */
  shrunk: number
  /** Changes after which something else was shown than the beginning of the source. */
  wrong: string[]
  /** How many changes there were. */
  changes: number
}

/** Has every page of this context watch its answers. */
export async function watchAnswers(context: BrowserContext, source: string): Promise<void> {
  await context.addInitScript((source: string) => {
    const witness: Witness = { shrunk: 0, wrong: [], changes: 0 }
    Object.assign(globalThis, { witness })
    let longest = 0
    const look = () => {
      const text = document.querySelector('.answer')?.textContent
      if (text === undefined || text === null) {
        if (longest > 0) witness.shrunk += 1
        return
      }
      witness.changes += 1
      if (text.length < longest) witness.shrunk += 1
      if (!source.startsWith(text)) witness.wrong.push(text.slice(-40))
      longest = Math.max(longest, text.length)
    }
    new MutationObserver(look).observe(document, {
      childList: true,
      characterData: true,
      subtree: true,
    })
  }, source)
}

/** What the observer of a page has seen. */
export function witnessOf(page: Page): Promise<Witness> {
  return page.evaluate(() => (globalThis as unknown as { witness: Witness }).witness)
}
