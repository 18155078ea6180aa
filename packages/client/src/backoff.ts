/** How long to wait before the next connection. */

const FIRST = 2_000
const MOST = 30_000
/** A connection that was ended in good order after this long was not ended for a fault. */
const SETTLED = 1_000

/** Grows with every failure in a row, from what the server asks for, and is never the same for two. */
export class Backoff {
  #retry = FIRST
  #failures = 0

  /** The server asks for this many milliseconds. */
  asked(retry: number) {
    this.#retry = retry
  }

  /** A connection works. */
  succeeded() {
    this.#failures = 0
  }

  /** Milliseconds until the next connection, after one that failed. `atLeast` is the server's wish. */
  next(atLeast = 0): number {
    const most = Math.max(MOST, this.#retry)
    const ceiling = Math.min(most, this.#retry * 2 ** this.#failures)
    this.#failures = Math.min(this.#failures + 1, 16)
    return Math.max(atLeast, ceiling / 2) + (Math.random() * ceiling) / 2
  }

  /** Milliseconds until the next connection, after one that the server ended in good order. */
  afterEnd(lasted: number): number {
    return lasted >= SETTLED ? Math.random() * 250 : this.next()
  }
}
