/** What users hold. */

import {
  type components,
  ForbiddenError,
  GoneError,
  TaskcastClient,
  TaskcastError,
} from '@taskcast/client'
import { ConflictError } from './errors.js'
import { Http, LONG, taskPath } from './http.js'
import { randomKey } from './keys.js'
import { TaskListing, words } from './listing.js'
import { pipe } from './pipe.js'
import { asHeader, Producer, stored } from './producer.js'
import type {
  CallOptions,
  CreateOptions,
  DoneReason,
  EndOptions,
  Filter,
  HistoryQuery,
  ImportResult,
  NewEvent,
  NewTask,
  PipeOptions,
  PipeResult,
  ProducerOptions,
  ServerClientOptions,
  ServerInfo,
  SubscribeOptions,
  Task,
  TaskArchive,
  TaskEvent,
  TaskFailure,
  TaskQuery,
  TaskStatus,
  Ticket,
  TransitionFields,
} from './types.js'

type Schemas = components['schemas']
type PlainTask = Schemas['Task']
type Published = Schemas['PublishedWithTransition']

/**
 * Creates tasks, publishes to them, ends them and reads them.
 *
 * What fails for a reason that may pass is tried again, for a minute by default, and only where a
 * repetition cannot do anything twice. What is thrown has `status`, `code` and `retryable`.
 */
export class TaskcastServerClient {
  /** Follows tasks, with the same address and credentials. */
  readonly follower: TaskcastClient
  readonly #http: Http

  constructor(options: ServerClientOptions) {
    this.#http = new Http(options)
    const { baseUrl, token } = options
    this.follower = new TaskcastClient({ baseUrl, token, fetch: withServiceKey(options) })
  }

  /** Creates a task; its status is `pending`. */
  createTask(task: NewTask = {}, options: CreateOptions = {}): Promise<PlainTask> {
    const headers = keyHeader(options)
    const { signal } = options
    return this.#http.repeat({ method: 'POST', path: '/tasks', json: task, headers, signal })
  }

  /** The task as it is now. */
  getTask(taskId: string, { signal }: CallOptions = {}): Promise<Task> {
    return this.#http.repeat({ path: taskPath(taskId), signal })
  }

  /** The tasks that fit, newest first: `for await (const task of client.listTasks({ … }))`. */
  listTasks(query: TaskQuery & CallOptions = {}): TaskListing {
    return new TaskListing(this.#http, query)
  }

  /**
   * Changes the status. A task that never ran is set `running` before it is completed or failed.
   *
   * @throws {ConflictError} The status does not follow the one the task has, or somebody was faster.
   */
  async transitionTask(
    taskId: string,
    status: TaskStatus,
    fields: TransitionFields = {},
    options: EndOptions = {},
  ): Promise<PlainTask> {
    const key = options.idempotencyKey ?? randomKey()
    const transition = { status, ...fields }
    const { events = [], signal } = options
    try {
      return await this.#transition(taskId, { events, transition }, key, signal)
    } catch (error) {
      if (!(error instanceof ConflictError && neverRan(error))) throw error
      const running = { events: [], transition: { status: 'running' } } as const
      await this.#transition(taskId, running, `${key}-running`, signal)
      return this.#transition(taskId, { events, transition }, `${key}-end`, signal)
    }
  }

  /** Ends the task well, with its last events where there are some. All of it or nothing happens. */
  complete(
    taskId: string,
    result?: Record<string, unknown>,
    options?: EndOptions,
  ): Promise<PlainTask> {
    return this.transitionTask(taskId, 'completed', result && { result }, options)
  }

  /** Ends the task with what went wrong, and its last events where there are some. */
  fail(
    taskId: string,
    error: TaskFailure | Error | string,
    options?: EndOptions,
  ): Promise<PlainTask> {
    return this.transitionTask(taskId, 'failed', { error: failureOf(error) }, options)
  }

  /** Answers a blocked task, which goes on running. Not repeated once the server may have seen it. */
  resolve(taskId: string, data?: unknown, { signal }: CallOptions = {}): Promise<PlainTask> {
    const json = data === undefined ? {} : { data }
    return this.#http.once({ method: 'POST', path: taskPath(taskId, '/resolve'), json, signal })
  }

  /** Removes the task and its events; its subscribers are told. */
  async deleteTask(taskId: string, { signal }: CallOptions = {}): Promise<void> {
    let perhapsDone = false
    try {
      await this.#http.repeat({ method: 'DELETE', path: taskPath(taskId), signal }, () => {
        perhapsDone = true
      })
    } catch (error) {
      if (!(perhapsDone && error instanceof GoneError)) throw error
    }
  }

  /** Publishes one event, once. It is stored when this resolves. */
  async publishEvent(
    taskId: string,
    event: NewEvent,
    options: CreateOptions = {},
  ): Promise<TaskEvent> {
    return this.#publish<TaskEvent>(taskId, event, options)
  }

  /** Publishes all of these in order, with nothing between, or nothing. */
  async publishEvents(
    taskId: string,
    events: readonly NewEvent[],
    options: CreateOptions = {},
  ): Promise<TaskEvent[]> {
    return this.#publish<TaskEvent[]>(taskId, events, options)
  }

  /** A producer: publishes exactly once and in order, and can fence off the one before it. */
  producer(taskId: string, options?: ProducerOptions): Producer {
    return new Producer(this.#http, taskId, options)
  }

  /**
   * Publishes what a source gives, texts or events, each as soon as it is there, over one request.
   * It waits where the server does not keep up, and goes on exactly after a cut. Resolves when all of
   * it is stored; the task stays open. When it throws, the source is told to stop.
   */
  pipe(
    taskId: string,
    source: AsyncIterable<string | NewEvent>,
    options: PipeOptions = {},
  ): Promise<PipeResult> {
    return pipe(this.#http, taskId, source, options)
  }

  /** The events up to now. */
  getHistory(
    taskId: string,
    { signal, since = {}, ...filter }: HistoryQuery & CallOptions = {},
  ): Promise<TaskEvent[]> {
    const query = {
      types: words(filter.types),
      levels: words(filter.levels),
      includeStatus: filter.includeStatus === false ? 'false' : undefined,
      seriesFormat: filter.seriesFormat,
      limit: filter.limit,
      'since.id': since.id,
      'since.index': since.index,
      'since.timestamp': since.timestamp,
    }
    const path = taskPath(taskId, '/events/history')
    return this.#http.repeat({ path, query, signal, timeout: LONG })
  }

  /** The task and its events as one document; `full` leaves the parts of series as they are. */
  exportTaskArchive(
    taskId: string,
    { full, signal }: { full?: boolean } & CallOptions = {},
  ): Promise<TaskArchive> {
    const query = { full: full ? 'true' : undefined }
    return this.#http.repeat({ path: taskPath(taskId, '/archive'), query, signal, timeout: LONG })
  }

  /** Brings a task back. Not repeated once the server may have seen it. */
  importTaskArchive(
    archive: TaskArchive,
    { overwrite, signal }: { overwrite?: boolean } & CallOptions = {},
  ): Promise<ImportResult> {
    const json = { archive, overwrite: overwrite === true }
    return this.#http.once({ method: 'POST', path: '/tasks/import', json, signal, timeout: LONG })
  }

  /** A key for the `EventSource` of a browser: `…/tasks/<id>/events?ticket=<ticket>`. */
  createTicket(taskId: string, { signal }: CallOptions = {}): Promise<Ticket> {
    return this.#http.repeat({ method: 'POST', path: taskPath(taskId, '/tickets'), signal })
  }

  /** What the server says of itself. */
  getServerInfo({ signal }: CallOptions = {}): Promise<ServerInfo> {
    return this.#http.repeat({ path: '/', signal })
  }

  /** Follows a task to its end, as `TaskcastClient.subscribe` does. */
  subscribe<const F extends Filter = { wrap?: true }>(
    taskId: string,
    options: SubscribeOptions<F>,
  ): Promise<DoneReason>
  /** Follows a task: plain events to `handler`, until the function that is returned is called. */
  subscribe(
    taskId: string,
    handler: (event: TaskEvent) => void | Promise<void>,
    filter?: Omit<Filter, 'wrap'>,
    onError?: (error: unknown) => void,
  ): () => void
  subscribe(
    taskId: string,
    how: SubscribeOptions<Filter> | ((event: TaskEvent) => void | Promise<void>),
    filter: Omit<Filter, 'wrap'> = {},
    onError: (error: unknown) => void = () => {},
  ): Promise<DoneReason> | (() => void) {
    if (typeof how === 'object') return this.follower.subscribe(taskId, how)
    const { signal, abort } = abortable()
    this.follower
      .subscribe(taskId, { filter: { ...filter, wrap: false }, onEvent: how, signal })
      .catch((error) => signal.aborted || onError(error))
    return abort
  }

  /** A transition that can be repeated. */
  async #transition(
    taskId: string,
    json: { events: readonly NewEvent[]; transition: Schemas['TransitionTask'] },
    key: string,
    signal: AbortSignal | undefined,
  ): Promise<PlainTask> {
    try {
      const answer = await this.#publish<Published>(taskId, json, { idempotencyKey: key, signal })
      return answer.task as PlainTask
    } catch (error) {
      const manages = error instanceof ForbiddenError && json.events.length === 0
      const sealed = error instanceof TaskcastError && error.code === 'task_sealed'
      if (!manages && !sealed) throw error
      // Who may not publish may still manage, then without repetitions. And of a task that has ended
      // this route tells which status was in the way.
      const path = taskPath(taskId, '/status')
      return this.#http.once({ method: 'PATCH', path, json: json.transition, signal })
    }
  }

  async #publish<T extends object>(
    taskId: string,
    json: unknown,
    options: CreateOptions,
  ): Promise<T> {
    const headers = keyHeader(options)
    const ask = { method: 'POST', path: taskPath(taskId, '/events') } as const
    return stored(await this.#http.repeat<T>({ ...ask, json, headers, signal: options.signal }))
  }
}

function keyHeader({ idempotencyKey }: CreateOptions): Record<string, string> {
  return { 'Idempotency-Key': asHeader(idempotencyKey ?? randomKey()) }
}

/** The sentence of the server tells from where the transition was tried. */
function neverRan(error: ConflictError): boolean {
  return (
    error.code === 'invalid_transition' &&
    /: (pending|assigned) → (completed|failed)\b/.test(error.message)
  )
}

function failureOf(error: TaskFailure | Error | string): TaskFailure {
  if (typeof error === 'string') return { message: error }
  if (!(error instanceof Error)) return error
  const { code } = error as { code?: unknown }
  return { message: error.message, ...(typeof code === 'string' && { code }) }
}

function withServiceKey({
  serviceKey,
  fetch: fetchOf,
}: ServerClientOptions): typeof fetch | undefined {
  if (serviceKey === undefined) return fetchOf
  return (input, init) => {
    const headers = new Headers(init?.headers)
    headers.set('X-Taskcast-Service-Key', serviceKey)
    return (fetchOf ?? fetch)(input, { ...init, headers })
  }
}

function abortable() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}
