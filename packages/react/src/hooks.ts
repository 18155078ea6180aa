/** The hooks. */

import type {
  Envelope,
  EventOf,
  Filter,
  Gap,
  Task,
  TaskcastClient,
  TaskcastError,
} from '@taskcast/client'
import type { Update } from './store.js'
import { beginning, type Follow, type StreamState, type UseStream, useStream } from './stream.js'

/** Options of {@link useTaskEvents}. */
export interface UseTaskEvents<F extends Filter = Filter> extends UseStream {
  filter?: F | undefined
  /** How many events are kept, the newest ones. Default 10 000. */
  keep?: number | undefined
}

/** What {@link useTaskEvents} gives. */
export interface TaskEventsState<E = Envelope> extends StreamState {
  events: readonly E[]
  /** The last gap: something could not be delivered. */
  gap: Gap | null
}

/** The events of a task, as they come. */
export function useTaskEvents<const F extends Filter = { wrap?: true }>(
  taskId: string | null | undefined,
  options: UseTaskEvents<F> = {},
): TaskEventsState<EventOf<F>> {
  type State = TaskEventsState<EventOf<F>>
  const { filter, keep = 10_000 } = options
  const initial: State = { ...beginning, events: [], gap: null }
  const follow: Follow<State> = (client, id, update, passed) => {
    const batch = batched<EventOf<F>>((events) =>
      update((state) => ({ ...state, events: [...state.events, ...events].slice(-keep) })),
    )
    const end = client.subscribe<F>(id, {
      ...passed,
      filter,
      onEvent: batch.add,
      onGap: (gap) => {
        batch.flush()
        update((state) => ({ ...state, gap }))
      },
    })
    return end.finally(batch.flush)
  }
  return useStream(taskId, options, initial, JSON.stringify([filter, keep]), follow)
}

/** Options of {@link useSeries}. */
export type UseSeries = UseStream & { filter?: Filter | undefined }

/** What {@link useSeries} gives. */
export interface SeriesState extends StreamState {
  text: string
}

/** The text of a series as it grows. */
export function useSeries(
  taskId: string | null | undefined,
  seriesId: string,
  options: UseSeries = {},
): SeriesState {
  const { filter } = options
  const initial: SeriesState = { ...beginning, text: '' }
  const follow: Follow<SeriesState> = async (client, id, update, passed) => {
    const texts = client.series(id, seriesId, { ...passed, filter })
    for (;;) {
      const { done, value } = await texts.next()
      if (done) return value
      update((state) => ({ ...state, text: value }))
    }
  }
  return useStream(taskId, options, initial, JSON.stringify([seriesId, filter]), follow)
}

/** What {@link useTask} gives. */
export interface TaskState extends StreamState {
  /** The task as the server last told it; null until then. */
  task: Task | null
}

/** The task itself: its status, result, error. A change of status makes it be read again. */
export function useTask(taskId: string | null | undefined, options: UseStream = {}): TaskState {
  const initial: TaskState = { ...beginning, task: null }
  return useStream(taskId, options, initial, '', followTask)
}

const followTask: Follow<TaskState> = async (client, taskId, update, passed) => {
  const read = coalesced(() => readTask(client, taskId, update, passed.signal))
  const failure = new AbortController()
  const stop = () => failure.abort(passed.signal.reason)
  passed.signal.addEventListener('abort', stop)
  // The event is a hint that there is something to read; the task as read is the truth.
  const changed = () => {
    read().catch((error) => failure.abort(error))
  }
  changed()
  const reason = await client.subscribe(taskId, {
    ...passed,
    signal: failure.signal,
    filter: { types: ['taskcast:status'] },
    onEvent: changed,
  })
  if (reason !== 'deleted') await read()
  return reason
}

/** Reads a task, for as long as it takes. */
async function readTask(
  client: TaskcastClient,
  taskId: string,
  update: Update<TaskState>,
  signal: AbortSignal,
) {
  while (!signal.aborted) {
    try {
      const task = await client.getTask(taskId, { signal })
      return update((state) => ({ ...state, task }))
    } catch (error) {
      if (!(error as TaskcastError).retryable) throw error
      await new Promise((resolve) => setTimeout(resolve, 1_000 + Math.random() * 1_000))
    }
  }
}

/** One at a time; whoever asks while one is under way gets another after it. */
function coalesced(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let again = false
  const run = async () => {
    while (again) {
      again = false
      await action()
    }
  }
  return () => {
    again = true
    running ??= run().finally(() => {
      running = undefined
    })
    return running
  }
}

/** Gathers what comes in one go, so that a long replay does not copy the list for each event. */
function batched<T>(take: (batch: T[]) => void) {
  let waiting: T[] = []
  const flush = () => {
    const batch = waiting
    waiting = []
    if (batch.length > 0) take(batch)
  }
  const add = (one: T) => {
    if (waiting.push(one) === 1) setTimeout(flush)
  }
  return { add, flush }
}
