/** A subscription: connection after connection, one stream of items. */

import { Backoff } from './backoff.js'
import {
  ConnectionError,
  errorOf,
  type Gap,
  network,
  TaskcastError,
  UnavailableError,
} from './errors.js'
import { type Frame, FrameParser } from './parser.js'
import { Credentials, headerText, streamQuery, taskUrl } from './request.js'
import type { ClientOptions, DoneReason, Envelope, FollowOptions, TaskEvent } from './types.js'
import { Watch } from './watch.js'

/** What a stream delivers. */
export type Item =
  | { kind: 'event'; event: Envelope & TaskEvent }
  | { kind: 'gap'; gap: Gap }
  | { kind: 'done'; reason: DoneReason }

/** Gives items in the pieces in which they come; the last is `done`. */
export async function* follow(
  client: ClientOptions,
  taskId: string,
  options: FollowOptions,
): AsyncGenerator<Item[], void, undefined> {
  const follower = new Follower(client, taskId, options)
  try {
    yield* follower.items()
  } finally {
    follower.stop()
  }
}

/** A reader is a position: the cursor is all that one connection leaves to the next. */
class Follower {
  readonly #client: ClientOptions
  readonly #taskId: string
  readonly #options: FollowOptions
  readonly #credentials: Credentials
  readonly #backoff = new Backoff()
  readonly #watch: Watch
  #cursor: string | undefined
  #refused = false
  #connection = new AbortController()

  constructor(client: ClientOptions, taskId: string, options: FollowOptions) {
    this.#client = client
    this.#taskId = taskId
    this.#options = options
    this.#credentials = new Credentials(client.token)
    this.#watch = new Watch(client.heartbeatTimeout ?? 45_000)
    options.signal?.addEventListener('abort', this.#abort)
  }

  stop() {
    this.#watch.stop()
    this.#options.signal?.removeEventListener('abort', this.#abort)
    this.#connection.abort()
  }

  async *items(): AsyncGenerator<Item[], void, undefined> {
    for (;;) {
      this.#options.signal?.throwIfAborted()
      let pause: number
      try {
        const started = Date.now()
        const parting = yield* this.#connect()
        if (parting === 'done') return
        this.#credentials.renew()
        pause =
          parting === 'later' ? this.#backoff.next() : this.#backoff.afterEnd(Date.now() - started)
      } catch (thrown) {
        pause = this.#recover(thrown)
      }
      await this.#watch.pause(pause, this.#options.signal)
    }
  }

  /** Milliseconds until another connection can help; throws where none can. */
  #recover(thrown: unknown): number {
    this.#options.signal?.throwIfAborted()
    const { signal } = this.#connection
    // A connection that we gave up fails in the words of the platform; ours say more.
    const error = signal.aborted ? signal.reason : thrown
    this.#connection.abort()
    if (!(error instanceof TaskcastError)) throw error
    if (error.status === 401 && !this.#refused && this.#credentials.renew()) {
      this.#refused = true
      return 0
    }
    if (!error.retryable) throw error
    this.#options.onError?.(error)
    if (signal.aborted && signal.reason === error) return 0
    return this.#backoff.next(error instanceof UnavailableError ? error.retryAfter : 0)
  }

  /** One connection, to its end: whether all is done, or else when the server wants us back. */
  async *#connect(): AsyncGenerator<Item[], 'done' | 'later' | 'soon', undefined> {
    const connection = new AbortController()
    this.#connection = connection
    const response = await this.#watched(() => this.#open(connection.signal))
    if (response.status === 204) {
      yield [{ kind: 'done', reason: 'seen' }]
      return 'done'
    }
    const parser = new FrameParser()
    const decoder = new TextDecoder()
    for await (const bytes of this.#pieces(response)) {
      const frames = parser.push(decoder.decode(bytes, { stream: true }))
      const asked = parser.retry
      if (asked !== undefined) this.#backoff.asked(asked)
      const items = this.#read(frames)
      if (items.length > 0) yield items
      if (items.at(-1)?.kind === 'done') return 'done'
    }
    // Every stream opens with one `retry:`. A server that wants us later parts with another.
    return parser.retries > 1 ? 'later' : 'soon'
  }

  async #open(signal: AbortSignal): Promise<Response> {
    const { baseUrl, fetch: fetchOf = fetch } = this.#client
    const headers = await network('the token could not be had', () => this.#credentials.headers())
    if (this.#cursor) headers['Last-Event-ID'] = headerText(this.#cursor)
    headers['Accept'] = 'text/event-stream'
    const url = taskUrl(baseUrl, this.#taskId, `/events${streamQuery(this.#options, this.#cursor)}`)
    // What can never be sent fails here, and for good.
    if (!this.#client.fetch) new Request(url, { headers })
    const response = await network('the server could not be reached', () =>
      fetchOf(url, { headers, signal, cache: 'no-store' }),
    )
    if (!response.ok) throw await errorOf(response)
    this.#refused = false
    this.#options.onOpen?.()
    return response
  }

  /** The body, piece by piece. */
  async *#pieces(response: Response): AsyncGenerator<Uint8Array, void, undefined> {
    if (!response.headers.get('content-type')?.startsWith('text/event-stream') || !response.body) {
      throw new TaskcastError(`${response.url} is not an event stream; is baseUrl right?`, {
        status: response.status,
      })
    }
    const reader = response.body.getReader()
    for (;;) {
      const { done, value } = await this.#watched(() =>
        network('the connection broke off', () => reader.read()),
      )
      if (done) return
      this.#backoff.succeeded()
      yield value
    }
  }

  /** Waits for the server, for so long as it can be thought alive. */
  async #watched<T>(action: () => Promise<T>): Promise<T> {
    const connection = this.#connection
    this.#watch.listen((why) => {
      connection.abort(new ConnectionError(`the connection was given up: ${why}`))
    })
    try {
      return await action()
    } finally {
      this.#watch.rest()
    }
  }

  /** Frames as items. The cursor moves with each frame, since what is read is delivered. */
  #read(frames: Frame[]): Item[] {
    const items: Item[] = []
    for (const { event, data, id } of frames) {
      if (id !== undefined) this.#cursor = id
      if (data === undefined) continue
      if (event === 'taskcast.event') items.push({ kind: 'event', event: JSON.parse(data) })
      if (event === 'taskcast.gap') items.push({ kind: 'gap', gap: JSON.parse(data) })
      if (event === 'taskcast.done') {
        items.push({ kind: 'done', reason: JSON.parse(data).reason })
        break
      }
    }
    return items
  }

  readonly #abort = () => this.#connection.abort(this.#options.signal?.reason)
}
