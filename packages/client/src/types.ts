/** What a caller says and gets. Types of the wire come from the server's own description. */

import type { Gap, TaskcastError } from './errors.js'
import type { components } from './wire.gen.js'

type Schemas = components['schemas']

/** A task, and who follows it on the instance that answered. */
export type Task = Schemas['TaskView']
/** Where a task stands. */
export type TaskStatus = Schemas['TaskStatus']
/** How much an event matters. */
export type Level = Schemas['EventLevel']
/** How a series folds. */
export type SeriesMode = Schemas['EventSeriesMode']
/** An event as history and `wrap: false` show it. */
export type TaskEvent = Schemas['TaskEvent']

/** An event as streams show it. */
export interface Envelope extends Omit<TaskEvent, 'id' | 'index'> {
  /** The place in the log as the filter shows it, from 0. Stable across reconnects. */
  filteredIndex: number
  /** The place in the log. */
  rawIndex: number
  eventId: string
}

/**
 * Why a stream is over: the terminal status of the task; `deleted`; or `seen`, where the cursor one
 * began with stood behind the end already.
 */
export type DoneReason = 'completed' | 'failed' | 'timeout' | 'cancelled' | 'deleted' | 'seen'

/** A place to begin. Each later one narrows what is left. */
export interface Since {
  /** After this event id or cursor. */
  id?: string | undefined
  /** After this `filteredIndex`; -1 for everything, unfolded. */
  index?: number | undefined
  /** After this time, in milliseconds. */
  timestamp?: number | undefined
}

/** Live events of an `accumulate` series as their own delta, or as the running total. */
export type SeriesFormat = 'delta' | 'accumulated'

/** Which events are sent, and how. */
export interface Filter {
  /** Exact types, or `prefix.*`. */
  types?: readonly string[] | undefined
  levels?: readonly Level[] | undefined
  /** `false` hides `taskcast:status` events. */
  includeStatus?: boolean | undefined
  /** `false` sends a {@link TaskEvent} instead of an {@link Envelope}. */
  wrap?: boolean | undefined
  since?: Since | undefined
  seriesFormat?: SeriesFormat | undefined
}

/** What a filter lets through. */
export type EventOf<F extends Filter> = F extends { wrap: false }
  ? TaskEvent
  : F extends { wrap?: true | undefined }
    ? Envelope
    : TaskEvent | Envelope

/** The token itself, or a function that gives a current one. */
export type Token = string | (() => string | undefined | Promise<string | undefined>)

/** How a client reaches its server. */
export interface ClientOptions {
  /** Where the server is: `https://example.org/taskcast`. */
  baseUrl: string
  /** A function is asked at first, and again after a 401 and when a stream has expired. */
  token?: Token | undefined
  fetch?: typeof fetch | undefined
  /** Milliseconds without a byte after which a connection counts as dead. Default 45 000. */
  heartbeatTimeout?: number | undefined
}

/** How a task is followed. */
export interface FollowOptions<F extends Filter = Filter> {
  filter?: F | undefined
  /** As `filter.seriesFormat`. */
  seriesFormat?: SeriesFormat | undefined
  /** As `filter.since`. */
  since?: Since | undefined
  /** The server answers, at first or again. */
  onOpen?: (() => void) | undefined
  /** Hears of each failure after which the subscription goes on by itself. */
  onError?: ((error: TaskcastError) => void) | undefined
  /** Something cannot be delivered any more; what exists follows, from its beginning. */
  onGap?: ((gap: Gap) => void) | undefined
  /** Ends it; the promise or iteration then fails with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** How a task is followed with callbacks. */
export interface SubscribeOptions<F extends Filter = Filter> extends FollowOptions<F> {
  /** A promise it returns is waited for, so a slow one slows the stream down. What it throws ends the subscription. */
  onEvent: (event: EventOf<F>) => unknown
  onDone?: ((reason: DoneReason) => void) | undefined
}
