/** How requests are written. */

import type { FollowOptions, Since, Token } from './types.js'

/** The address of a task, or of something below it. */
export function taskUrl(baseUrl: string, taskId: string, below = ''): string {
  return `${baseUrl.replace(/\/$/, '')}/tasks/${encodeURIComponent(taskId)}${below}`
}

/** The query of a stream. A cursor takes the place of `since`, which would win over it. */
export function streamQuery(options: FollowOptions, cursor: string | undefined): string {
  const filter = options.filter ?? {}
  const since: Since = cursor ? {} : (options.since ?? filter.since ?? {})
  const pairs: [string, string | number | undefined][] = [
    ['types', filter.types?.join(',')],
    ['levels', filter.levels?.join(',')],
    ['includeStatus', filter.includeStatus === false ? 'false' : undefined],
    ['wrap', filter.wrap === false ? 'false' : undefined],
    ['since.id', since.id],
    ['since.index', since.index],
    ['since.timestamp', since.timestamp],
    ['seriesFormat', options.seriesFormat ?? filter.seriesFormat],
  ]
  const query = pairs
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
  return query.length > 0 ? `?${query.join('&')}` : ''
}

/** A text as a header carries it: its UTF-8, one character for each byte. */
export function headerText(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text))
}

/** The token that one subscription uses, kept until it is said to be stale. */
export class Credentials {
  #source: Token | undefined
  #kept: string | undefined

  constructor(source: Token | undefined) {
    this.#source = source
  }

  /** Forgets the token. Tells whether another can be had. */
  renew(): boolean {
    this.#kept = undefined
    return typeof this.#source === 'function'
  }

  async headers(): Promise<Record<string, string>> {
    this.#kept ??= typeof this.#source === 'function' ? await this.#source() : this.#source
    return this.#kept ? { Authorization: `Bearer ${this.#kept}` } : {}
  }
}
