/**
 * When a connection is dead, and when it is worth trying again at once.
 *
 * A timer alone does not tell: it is late in a hidden tab, and stands still while a machine sleeps.
 * So the wall clock is looked at in short steps, and the page is listened to.
 */

/** Looks after each wait for a connection, and after the pauses between connections. */
export class Watch {
  readonly #timeout: number
  readonly #step: number
  readonly #timer: ReturnType<typeof setInterval>
  #heard = Date.now()
  #ticked = Date.now()
  #dead: ((why: string) => void) | undefined
  #wake: (() => void) | undefined

  constructor(timeout: number) {
    this.#timeout = timeout
    this.#step = Math.min(5_000, timeout / 9)
    this.#timer = setInterval(this.#tick, this.#step)
    target?.addEventListener?.('online', this.#online)
    target?.document?.addEventListener('visibilitychange', this.#visible)
  }

  /** Somebody waits for a connection: `dead` is called when it is silent for too long. */
  listen(dead: (why: string) => void) {
    this.#heard = Date.now()
    this.#dead = dead
  }

  /** Nobody waits: the time that a reader takes for itself is not silence. */
  rest() {
    this.#dead = undefined
  }

  /** Waits, or less: until the network is back, the page is looked at, or the machine wakes. */
  pause(millis: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), millis)
      this.#wake = () => {
        this.#wake = undefined
        clearTimeout(timer)
        signal?.removeEventListener('abort', this.#tryNow)
        resolve()
      }
      signal?.addEventListener('abort', this.#tryNow)
      if (signal?.aborted) this.#tryNow()
    })
  }

  stop() {
    clearInterval(this.#timer)
    target?.removeEventListener?.('online', this.#online)
    target?.document?.removeEventListener('visibilitychange', this.#visible)
    this.#dead = undefined
  }

  readonly #tick = () => {
    const now = Date.now()
    const slept = now - this.#ticked > this.#step + 10_000
    this.#ticked = now
    if (this.#heard > now) this.#heard = now
    if (now - this.#heard >= this.#timeout) this.#dead?.('nothing was heard for too long')
    else if (slept) this.#doubt('the machine slept')
  }

  readonly #online = () => {
    this.#dead?.('the network changed')
    this.#tryNow()
  }

  readonly #visible = () => {
    if (target?.document?.visibilityState === 'visible') this.#doubt('the page was away')
  }

  /** A connection that was silent for longer than heartbeats are apart is likely to be dead. */
  #doubt(why: string) {
    if (Date.now() - this.#heard >= this.#timeout / 2) this.#dead?.(why)
    this.#tryNow()
  }

  readonly #tryNow = () => this.#wake?.()
}

/** The page, as far as there is one. */
const target = globalThis as {
  addEventListener?: typeof addEventListener
  removeEventListener?: typeof removeEventListener
  document?: Document
}
