/** What users hold. */

import { errorOf, GapError, network } from './errors.js'
import { follow } from './follow.js'
import { Credentials, taskUrl } from './request.js'
import { Series } from './series.js'
import type {
  ClientOptions,
  DoneReason,
  EventOf,
  Filter,
  FollowOptions,
  SubscribeOptions,
  Task,
} from './types.js'

/**
 * Follows tasks. Every way to follow reconnects by itself and goes on exactly where it was cut off:
 * each event comes once, in order. A fresh start gives each `accumulate` series folded into one
 * snapshot (`seriesSnapshot`), whose data replaces what was seen of the series.
 */
export class TaskcastClient {
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /**
   * Calls `onEvent` for each event, and resolves when the task is done.
   *
   * @throws {GoneError} There is no such task.
   * @throws {ForbiddenError} The token does not allow it.
   * @throws {UnauthorizedError} There is no valid token.
   */
  async subscribe<const F extends Filter = { wrap?: true }>(
    taskId: string,
    options: SubscribeOptions<F>,
  ): Promise<DoneReason> {
    for await (const items of follow(this.#options, taskId, options)) {
      for (const item of items) {
        if (item.kind === 'event') await options.onEvent(item.event as EventOf<F>)
        else if (item.kind === 'done') {
          options.onDone?.(item.reason)
          return item.reason
        } else if (options.onGap) options.onGap(item.gap)
        else options.onError?.(new GapError(item.gap))
      }
    }
    throw new Error('a stream ended without an end')
  }

  /**
   * The events of a task, to its end. Leaving the loop closes the connection.
   *
   * @throws {GapError} Something cannot be delivered any more, and no `onGap` was given.
   */
  async *events<const F extends Filter = { wrap?: true }>(
    taskId: string,
    options: FollowOptions<F> = {},
  ): AsyncGenerator<EventOf<F>, DoneReason | undefined, undefined> {
    for await (const items of follow(this.#options, taskId, options)) {
      for (const item of items) {
        if (item.kind === 'event') yield item.event as EventOf<F>
        else if (item.kind === 'done') return item.reason
        else if (options.onGap) options.onGap(item.gap)
        else throw new GapError(item.gap)
      }
    }
    return undefined
  }

  /**
   * The text of a series, whole each time it has grown. It never shrinks back when a connection is
   * replaced, and a character that was cut in two is shown when its second half is there.
   */
  async *series(
    taskId: string,
    seriesId: string,
    options: Omit<FollowOptions, 'seriesFormat'> = {},
  ): AsyncGenerator<string, DoneReason | undefined, undefined> {
    const series = new Series(seriesId)
    let shown: string | undefined
    for await (const items of follow(this.#options, taskId, options)) {
      let reason: DoneReason | undefined
      for (const item of items) {
        if (item.kind === 'event') series.take(item.event)
        else if (item.kind === 'done') reason = item.reason
        else options.onGap?.(item.gap)
      }
      const { text } = series
      if (text !== shown && text !== undefined) yield text
      shown = text
      if (reason !== undefined) return reason
    }
    return undefined
  }

  /** The task as it is now. One request; what it throws is not tried again. */
  async getTask(taskId: string, options: { signal?: AbortSignal } = {}): Promise<Task> {
    const { baseUrl, token, fetch: fetchOf = fetch } = this.#options
    const headers = { ...(await new Credentials(token).headers()), Accept: 'application/json' }
    return network('the server could not be reached', async () => {
      const response = await fetchOf(taskUrl(baseUrl, taskId), { headers, ...options })
      if (!response.ok) throw await errorOf(response)
      return (await response.json()) as Task
    })
  }
}
