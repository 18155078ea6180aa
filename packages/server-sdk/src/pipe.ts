/** A source piped into a task over one request that stays open, resumed exactly after a cut. */

import { type components, TaskcastError } from '@taskcast/client'
import { type Http, taskPath } from './http.js'
import { randomKey } from './keys.js'
import { Lines } from './lines.js'
import { asHeader, producerState } from './producer.js'
import { Retry } from './retry.js'
import type { NewEvent, PipeOptions, PipeResult } from './types.js'

type Summary = components['schemas']['NdjsonSummary']

/** A server closes a request that is silent for longer than 30 seconds. */
const IDLE = 10_000
/** What one request holds. It is kept in memory until the request is answered. */
const LINES_OF_A_REQUEST = 10_000
const CHARACTERS_OF_A_REQUEST = 4 << 20
/** Milliseconds that one request lasts: some platforms give up on longer ones. */
const LONGEST = 120_000
/** Lines that are sent as one piece. */
const LINES_OF_A_PIECE = 500

/** Sends all of a source; resolves when all of it is stored. */
export async function pipe(
  http: Http,
  taskId: string,
  source: AsyncIterable<string | NewEvent>,
  options: PipeOptions,
): Promise<PipeResult> {
  const streaming = options.streaming ?? canStream()
  const toEvent = eventOf(options)
  const lines = new Lines(source, (item, seq) => {
    const event = typeof item === 'string' ? toEvent(item) : item
    return `${JSON.stringify({ ...event, producerSeq: seq })}\n`
  })
  try {
    await new Pipe(http, taskId, lines, options, streaming).run()
    lines.throwIfFailed()
    return { events: lines.count }
  } finally {
    lines.stop()
  }
}

class Pipe {
  readonly #http: Http
  readonly #taskId: string
  readonly #lines: Lines<string | NewEvent>
  readonly #signal: AbortSignal | undefined
  readonly #streaming: boolean
  readonly #producer: { id: string; epoch: number }
  /** The first line that is not known to be stored. */
  #next = 0

  constructor(
    http: Http,
    taskId: string,
    lines: Lines<string | NewEvent>,
    { producer, signal }: PipeOptions,
    streaming: boolean,
  ) {
    this.#http = http
    this.#taskId = taskId
    this.#lines = lines
    this.#signal = signal
    this.#streaming = streaming
    this.#producer = { id: producer?.id ?? randomKey(), epoch: producer?.epoch ?? 0 }
    // Nobody else has a random name, so nothing of it can be stored.
    this.#known = producer === undefined
  }

  /** Whether `#next` is what the server says. */
  #known: boolean

  async run() {
    const retry = new Retry(this.#http.retryFor, this.#signal)
    const aborted = rejectionOf(this.#signal)
    while (await Promise.race([this.#lines.reach(this.#next), aborted])) {
      try {
        if (!this.#known) await this.#ask(retry)
        else this.#advance(await this.#send())
      } catch (error) {
        await retry.after(error)
        this.#known = false
      }
    }
  }

  /** Asks where to go on. */
  async #ask(retry: Retry) {
    const state = await producerState(this.#http, this.#taskId, this.#producer.id, this.#signal)
    const next = state?.epoch === this.#producer.epoch ? state.seq + 1 : 0
    if (next < this.#lines.first) {
      throw new TaskcastError('the server has lost events that it said were stored', {
        code: 'producer_gap',
      })
    }
    if (next > this.#next) retry.succeeded()
    this.#advance(next)
    this.#known = true
  }

  #advance(next: number) {
    this.#next = next
    this.#lines.forget(next)
  }

  /** One request; gives the number of the line after those that it stored. */
  async #send(): Promise<number> {
    const from = this.#next
    let to = from
    const body = () =>
      this.#body(from, (reached) => {
        to = reached
      })
    const batch = () => {
      const lines = this.#lines.from(from, LINES_OF_A_PIECE)
      to = from + lines.length
      return lines.join('')
    }
    await this.#http.once<Summary>({
      method: 'POST',
      path: taskPath(this.#taskId, '/events'),
      headers: {
        'Content-Type': 'application/x-ndjson',
        'Producer-Id': asHeader(this.#producer.id),
        'Producer-Epoch': String(this.#producer.epoch),
      },
      body: this.#streaming ? body : batch(),
      signal: this.#signal,
      ...(this.#streaming && { timeout: LONGEST + 30_000 }),
    })
    return to
  }

  /** The lines from this one on, as the network takes them. */
  #body(from: number, reached: (to: number) => void): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder()
    const until = Date.now() + LONGEST
    let at = from
    let characters = 0
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      const full = at - from >= LINES_OF_A_REQUEST || characters >= CHARACTERS_OF_A_REQUEST
      if (full || Date.now() > until) return controller.close()
      const more = await within(IDLE, this.#lines.reach(at))
      if (more === undefined) return controller.enqueue(encoder.encode('\n'))
      if (!more) return controller.close()
      await gather()
      const lines = this.#lines.from(at, LINES_OF_A_PIECE)
      const piece = lines.join('')
      at += lines.length
      characters += piece.length
      reached(at)
      controller.enqueue(encoder.encode(piece))
    }
    return new ReadableStream({ pull }, { highWaterMark: 0 })
  }
}

function eventOf(options: PipeOptions): (text: string) => NewEvent {
  const { series, type = 'llm.delta', field = 'delta' } = options
  return (text) => {
    const event: NewEvent = { type, data: { [field]: text } }
    if (series === undefined) return event
    const joined = field === 'delta' ? {} : { seriesAccField: field }
    return { ...event, seriesId: series, seriesMode: 'accumulate', ...joined }
  }
}

/** Browsers stream request bodies over HTTP/2 at best; the others do. */
function canStream(): boolean {
  return typeof process === 'object' || typeof Deno === 'object'
}

declare const process: unknown
declare const Deno: unknown

/** Gives a fast source its turn: what it has at once goes as one piece. About a millisecond. */
function gather(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve)
  })
}

/** Rejects when the signal fires, and does nothing else. */
function rejectionOf(signal: AbortSignal | undefined): Promise<never> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  aborted.catch(() => {})
  return aborted
}

/** What a promise gives, or `undefined` when it takes longer. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
