/** A stream as React sees it: a value that changes at most once a frame. */

/**
 * Changes the newest state, shown or not. The first change after a start is made to the initial
 * state, unless it is a `note`: something about the stream that leaves its content alone.
 */
export type Update<S> = (change: (state: S) => S, kind?: 'note') => void

/** Follows something, until done or aborted. */
export type Run<S> = (update: Update<S>, signal: AbortSignal) => Promise<void>

/** A frame of a page, or this many milliseconds where none is drawn: in a hidden tab, for one. */
const LONGEST_FRAME = 250

/**
 * Runs while it is listened to. Listened to anew (as StrictMode does), it starts anew, and shows
 * what it had until there is something newer.
 */
export class StreamStore<S> {
  readonly #initial: S
  readonly #run: Run<S> | undefined
  #shown: S
  #newest: S
  #cancelFrame: (() => void) | undefined

  constructor(initial: S, run?: Run<S>) {
    this.#initial = initial
    this.#shown = initial
    this.#newest = initial
    this.#run = run
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const abort = new AbortController()
    let fresh = true
    const update: Update<S> = (change, kind) => {
      if (abort.signal.aborted) return
      this.#newest = change(fresh && kind !== 'note' ? this.#initial : this.#newest)
      fresh &&= kind === 'note'
      this.#cancelFrame ??= nextFrame(() => {
        this.#cancelFrame = undefined
        this.#shown = this.#newest
        listener()
      })
    }
    this.#run?.(update, abort.signal).catch(() => {
      // Only an abort gets here: the run tells its failures as state.
    })
    return () => {
      abort.abort()
      this.#cancelFrame?.()
      this.#cancelFrame = undefined
    }
  }

  readonly getSnapshot = (): S => this.#shown

  readonly getServerSnapshot = (): S => this.#initial
}

function nextFrame(draw: () => void): () => void {
  const once = () => {
    cancel()
    draw()
  }
  const timer = setTimeout(once, LONGEST_FRAME)
  const frame = globalThis.requestAnimationFrame?.(once)
  const cancel = () => {
    clearTimeout(timer)
    if (frame !== undefined) cancelAnimationFrame(frame)
  }
  return cancel
}
