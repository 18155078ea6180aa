/** What a caller says and gets. Types of the wire come from the server's own description. */

import type { components, Filter, Token } from '@taskcast/client'

export type {
  DoneReason,
  Envelope,
  Filter,
  Level,
  SeriesMode,
  SubscribeOptions,
  Task,
  TaskEvent,
  TaskStatus,
  Token,
} from '@taskcast/client'

type Schemas = components['schemas']

/** A task that is to be created. Every field is optional. */
export type NewTask = Schemas['CreateTask']
/** An event that is to be published. */
export type NewEvent = Schemas['EventBody']
/** What a transition says beside the status. */
export type TransitionFields = Omit<Schemas['TransitionTask'], 'status'>
/** Why a task failed. */
export type TaskFailure = Schemas['TaskError']
/** A task and its events as one document. */
export type TaskArchive = Schemas['Archive']
/** What an import did. */
export type ImportResult = Schemas['ImportAnswer']
/** A key to the stream of one task, for browsers. */
export type Ticket = Schemas['TicketResponse']
/** What a server says of itself. */
export type ServerInfo = Schemas['ServerInfo']

/** How a server client reaches its server. */
export interface ServerClientOptions {
  /** Where the server is: `https://example.org/taskcast`. */
  baseUrl: string
  /** A function is asked once, and again after a 401. */
  token?: Token | undefined
  /** The key of a trusted service, in place of a token. */
  serviceKey?: string | undefined
  fetch?: typeof fetch | undefined
  /** Milliseconds for which a request is tried again, from its first failure. Default 60 000. */
  retryFor?: number | undefined
  /** Milliseconds after which a request without an answer counts as lost. Default 30 000. */
  timeout?: number | undefined
}

/** Options of every call. */
export interface CallOptions {
  signal?: AbortSignal | undefined
}

/** Options of calls that create something. */
export interface CreateOptions extends CallOptions {
  /**
   * Names what is created: a second call with this key and the same body creates nothing and gets
   * the same answer. One is made up where none is given, so that repetitions of one call are safe.
   */
  idempotencyKey?: string | undefined
}

/** Options of calls that end a task. */
export interface EndOptions extends CreateOptions {
  /** The last events, committed together with the end. */
  events?: readonly NewEvent[] | undefined
}

/** Which tasks are listed. */
export interface TaskQuery {
  /** One of these. */
  status?: Schemas['TaskStatus'] | readonly Schemas['TaskStatus'][] | undefined
  /** One of these types, or `prefix.*`. */
  type?: string | readonly string[] | undefined
  /** All of these. */
  tags?: readonly string[] | undefined
  /** Tasks in a page. */
  limit?: number | undefined
}

/** Which past events are read. */
export interface HistoryQuery extends Omit<Filter, 'wrap'> {
  /** Only the oldest so many. */
  limit?: number | undefined
}

/** How a producer is known to its task. */
export interface ProducerOptions {
  /**
   * A lasting name: whoever takes it next fences off the one before. A random one where not given.
   */
  id?: string | undefined
}

/** How a source is piped. */
export interface PipeOptions extends CallOptions {
  /** Texts join this `accumulate` series. Without it each text is an event of its own. */
  series?: string | undefined
  /** The type of the events that texts become. Default `llm.delta`. */
  type?: string | undefined
  /** The field of `data` that holds the text. Default `delta`. */
  field?: string | undefined
  /**
   * The producer. The same source piped again under the same id and epoch (default 0) adds only what
   * was not stored before. A random one where not given.
   */
  producer?: { id: string; epoch?: number | undefined } | undefined
  /**
   * Whether one request stays open while the source goes on. Otherwise what the source gave
   * meanwhile is sent in batches. Default: where the platform can, which browsers cannot.
   */
  streaming?: boolean | undefined
}

/** What came of a pipe. */
export interface PipeResult {
  /** How many events the source gave. All of them are in the log. */
  events: number
}
