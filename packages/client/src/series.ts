/** The text of one series, folded from its events. */

import type { Envelope, TaskEvent } from './types.js'

/** A series as far as it was seen. */
export class Series {
  readonly #id: string
  #text: string | undefined

  constructor(id: string) {
    this.#id = id
  }

  /** Takes an event. Tells whether it belongs to the series. */
  take(event: Envelope | TaskEvent): boolean {
    if (event.seriesId !== this.#id) return false
    const { data } = event
    const fields =
      typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {}
    const part = typeof data === 'string' ? data : fields[event.seriesAccField ?? 'delta']
    const text = typeof part === 'string' ? part : undefined
    const replaces = event.seriesSnapshot === true || event.seriesMode === 'latest'
    this.#text = replaces || text === undefined ? text : (this.#text ?? '') + text
    return true
  }

  /**
   * The text, without the first half of a character whose second half has not come yet; absent
   * where nothing was seen.
   */
  get text(): string | undefined {
    return this.#text?.replace(/[\uD800-\uDBFF]$/, '')
  }
}
