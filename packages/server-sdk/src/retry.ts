/** When something is tried again. */

import { TaskcastError, UnavailableError } from '@taskcast/client'

const FIRST = 100
const MOST = 10_000

/** The tries of one request: pauses that grow and differ, until the time is over. */
export class Retry {
  readonly #within: number
  readonly #signal: AbortSignal | undefined
  #failures = 0
  #until: number | undefined

  constructor(within: number, signal?: AbortSignal) {
    this.#within = within
    this.#signal = signal
  }

  /** Something got further: the next failure is a first one. */
  succeeded() {
    this.#failures = 0
    this.#until = undefined
  }

  /** Waits until another try can help; throws the error where none can. */
  async after(error: unknown): Promise<void> {
    this.#signal?.throwIfAborted()
    if (!(error instanceof TaskcastError) || !error.retryable) throw error
    this.#until ??= Date.now() + this.#within
    const ceiling = Math.min(MOST, FIRST * 2 ** this.#failures)
    this.#failures = Math.min(this.#failures + 1, 16)
    const asked = error instanceof UnavailableError ? (error.retryAfter ?? 0) : 0
    const pause = asked + Math.random() * ceiling
    if (Date.now() + pause > this.#until) throw error
    await sleep(pause, this.#signal)
  }
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
