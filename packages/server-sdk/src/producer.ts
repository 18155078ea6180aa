/** A producer that publishes exactly once, request by request. */

import { type components, GoneError, TaskcastError } from '@taskcast/client'
import { type Http, taskPath } from './http.js'
import { randomKey } from './keys.js'
import type { CallOptions, NewEvent, ProducerOptions, TaskEvent } from './types.js'

type Schemas = components['schemas']

/**
 * Publishes to one task, each event exactly once and in the order of the calls, however often the
 * connection is cut. Calls may overlap: they are sent one after another.
 *
 * When a call fails for good it may be unknown whether its events were stored. The next call then
 * opens a new epoch, so that they cannot be stored any more after it.
 */
export class Producer {
  /** Its name within the task. */
  readonly id: string
  readonly #http: Http
  readonly #taskId: string
  #epoch: number | undefined
  #seq = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(http: Http, taskId: string, options: ProducerOptions = {}) {
    this.#http = http
    this.#taskId = taskId
    this.id = options.id ?? randomKey()
    // Nobody else has a random name: there is no epoch before the first.
    this.#epoch = options.id === undefined ? 0 : undefined
  }

  /** Publishes one event. */
  publish(event: NewEvent, options?: CallOptions): Promise<TaskEvent>
  /** Publishes all of these, with nothing between, or nothing. */
  publish(events: readonly NewEvent[], options?: CallOptions): Promise<TaskEvent[]>
  publish(body: NewEvent | readonly NewEvent[], options: CallOptions = {}) {
    const turn = this.#last.then(() => this.#publish(body, options))
    this.#last = turn.catch(() => {})
    return turn
  }

  async #publish(json: unknown, { signal }: CallOptions): Promise<TaskEvent | TaskEvent[]> {
    this.#epoch ??= await this.#nextEpoch(signal)
    const headers = {
      'Producer-Id': asHeader(this.id),
      'Producer-Epoch': String(this.#epoch),
      'Producer-Seq': String(this.#seq),
    }
    try {
      const ask = { method: 'POST', path: taskPath(this.#taskId, '/events') } as const
      const answer = await this.#http.repeat<TaskEvent>({ ...ask, json, headers, signal })
      this.#seq += 1
      return stored(answer)
    } catch (error) {
      if (!(error instanceof TaskcastError) || error.retryable) {
        this.#epoch += 1
        this.#seq = 0
      }
      throw error
    }
  }

  async #nextEpoch(signal: AbortSignal | undefined): Promise<number> {
    const state = await producerState(this.#http, this.#taskId, this.id, signal)
    return state === undefined ? 0 : state.epoch + 1
  }
}

/** Where a producer stands; `undefined` when the task does not know it. */
export async function producerState(
  http: Http,
  taskId: string,
  id: string,
  signal?: AbortSignal,
): Promise<Schemas['ProducerState'] | undefined> {
  try {
    const path = taskPath(taskId, `/producers/${encodeURIComponent(id)}`)
    return await http.repeat<Schemas['ProducerState']>({ path, signal })
  } catch (error) {
    if (error instanceof GoneError && error.code === 'not_found') return undefined
    throw error
  }
}

/** Text as a header can carry it: its UTF-8, a character per byte. */
export function asHeader(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text))
}

/** The events of an answer. Of a repetition whose events were removed meanwhile there are none. */
export function stored<T extends object>(answer: T | Schemas['DuplicateAnswer']): T {
  if ('duplicate' in answer && answer.duplicate === true) {
    throw new TaskcastError('the events were stored, and have been removed since', {
      code: 'duplicate',
    })
  }
  return answer as T
}
