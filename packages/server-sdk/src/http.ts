/** Requests to one server: who asks, and what is tried again. */

import { ConnectionError, TaskcastError, UnauthorizedError } from '@taskcast/client'
import { errorOf } from './errors.js'
import { Retry } from './retry.js'
import type { ServerClientOptions } from './types.js'

/** A request. */
export interface Ask {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below `baseUrl`, encoded. */
  path: string
  query?: Record<string, string | number | undefined>
  headers?: Record<string, string>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is, in place of `json`. A stream can be read once only, so one is made for each try. */
  body?: string | (() => ReadableStream<Uint8Array>)
  signal?: AbortSignal | undefined
  /** Milliseconds until it counts as lost; `Infinity` where it lasts as long as it lasts. */
  timeout?: number
}

/** How long documents of any size may take. */
export const LONG = 600_000

/** Speaks to one server. */
export class Http {
  readonly options: ServerClientOptions
  readonly retryFor: number
  readonly #base: string
  #token: Promise<string | undefined> | undefined

  constructor(options: ServerClientOptions) {
    this.options = options
    this.retryFor = options.retryFor ?? 60_000
    this.#base = options.baseUrl.replace(/\/+$/, '')
  }

  /**
   * Asks until there is an answer: only for what can be repeated without harm. `again` hears of each
   * failure after which the server may have done what it was asked.
   */
  async repeat<T>(ask: Ask, again?: () => void): Promise<T> {
    const retry = new Retry(this.retryFor, ask.signal)
    for (;;) {
      try {
        return await this.once<T>(ask)
      } catch (error) {
        await retry.after(error)
        again?.()
      }
    }
  }

  /** Asks once, or twice where the token has to be renewed. */
  async once<T>(ask: Ask): Promise<T> {
    try {
      return await this.#ask<T>(ask)
    } catch (error) {
      const renewable = typeof this.options.token === 'function'
      if (!(error instanceof UnauthorizedError && renewable)) throw error
      this.#token = undefined
      return this.#ask<T>(ask)
    }
  }

  async #ask<T>(ask: Ask): Promise<T> {
    const { fetch: fetchOf = fetch } = this.options
    const request = await this.#request(ask)
    const limit = new Limit(ask.timeout ?? this.options.timeout ?? 30_000, ask.signal)
    try {
      const response = await fetchOf(this.#url(ask), { ...request, signal: limit.signal })
      if (!response.ok) throw await errorOf(response)
      const text = await response.text()
      return (text === '' ? undefined : parse(text, response)) as T
    } catch (cause) {
      ask.signal?.throwIfAborted()
      if (cause instanceof TaskcastError) throw cause
      throw new ConnectionError(
        limit.signal.aborted ? 'the server did not answer in time' : 'the connection broke off',
        { cause },
      )
    } finally {
      limit.clear()
    }
  }

  async #request(ask: Ask): Promise<RequestInit> {
    const headers: Record<string, string> = { Accept: 'application/json', ...ask.headers }
    const { serviceKey } = this.options
    if (serviceKey !== undefined) headers['X-Taskcast-Service-Key'] = serviceKey
    const token = await this.#currentToken()
    if (token !== undefined) headers['Authorization'] = `Bearer ${token}`
    const request: RequestInit = { method: ask.method ?? 'GET', headers }
    if (typeof ask.body === 'function') {
      // What platforms ask for where a body is a stream; their types do not know it yet.
      Object.assign(request, { body: ask.body(), duplex: 'half' })
    } else if (ask.body !== undefined) {
      request.body = ask.body
    } else if (ask.json !== undefined) {
      request.body = JSON.stringify(ask.json)
      headers['Content-Type'] = 'application/json'
    }
    return request
  }

  async #currentToken(): Promise<string | undefined> {
    const { token } = this.options
    if (typeof token !== 'function') return token
    this.#token ??= Promise.resolve(token())
    try {
      return await this.#token
    } catch (cause) {
      this.#token = undefined
      throw new ConnectionError('the token could not be had', { cause })
    }
  }

  #url({ path, query = {} }: Ask): string {
    const pairs = Object.entries(query).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, String(value)] as [string, string]],
    )
    return `${this.#base}${path}${pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : ''}`
  }
}

/** The path of a task, or of something below it. */
export function taskPath(taskId: string, below = ''): string {
  return `/tasks/${encodeURIComponent(taskId)}${below}`
}

function parse(text: string, response: Response): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    // A document that breaks off is a lost answer; anything else never was one.
    if (response.headers.get('content-type')?.startsWith('application/json')) {
      throw new ConnectionError('the answer broke off', { cause })
    }
    throw new TaskcastError(`${response.url} did not answer with JSON; is baseUrl right?`, {
      status: response.status,
      cause,
    })
  }
}

/** A signal that fires with the caller's, or when the time is over. */
class Limit {
  readonly #controller = new AbortController()
  readonly #timer: ReturnType<typeof setTimeout> | undefined
  readonly #outer: AbortSignal | undefined

  constructor(ms: number, outer: AbortSignal | undefined) {
    this.#outer = outer
    if (outer?.aborted) this.#abort()
    outer?.addEventListener('abort', this.#abort)
    if (ms !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(this.#abort, ms)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  clear() {
    clearTimeout(this.#timer)
    this.#outer?.removeEventListener('abort', this.#abort)
  }

  readonly #abort = () => this.#controller.abort(this.#outer?.reason)
}
