/** What all hooks have in common. */

import type { DoneReason, FollowOptions, TaskcastClient, TaskcastError } from '@taskcast/client'
import { useMemo, useSyncExternalStore } from 'react'
import { type UseClient, useClient } from './client.js'
import { StreamStore, type Update } from './store.js'

/** How a stream stands. */
export interface StreamState {
  /** Whether the task has ended and everything is here. */
  isDone: boolean
  /** Why it ended. */
  doneReason: DoneReason | null
  /** What ended the stream before its time. */
  error: Error | null
  /** Why there is no connection now, while the next is on its way. */
  retrying: TaskcastError | null
}

/** Options of every hook. */
export interface UseStream extends UseClient {
  /** `false` follows nothing. */
  enabled?: boolean | undefined
}

/** The state of a stream that has just begun. */
export const beginning: StreamState = {
  isDone: false,
  doneReason: null,
  error: null,
  retrying: null,
}

/** What a hook follows, with the options that it has to pass on. */
export type Follow<S> = (
  client: TaskcastClient,
  taskId: string,
  update: Update<S>,
  options: Pick<FollowOptions, 'signal' | 'onError' | 'onOpen'> & { signal: AbortSignal },
) => Promise<DoneReason | undefined>

/** Follows one thing while the component is there. Starts anew when the task or `key` changes. */
export function useStream<S extends StreamState>(
  taskId: string | null | undefined,
  options: UseStream,
  initial: S,
  key: string,
  follow: Follow<S>,
): S {
  const client = useClient(options)
  const on = options.enabled !== false
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` says what `follow` closes over
  const store = useMemo(() => {
    if (!on || !taskId) return new StreamStore(initial)
    return new StreamStore(initial, async (update, signal) => {
      try {
        const reason = await follow(client, taskId, update, {
          signal,
          onError: (retrying) => update((state) => ({ ...state, retrying }), 'note'),
          onOpen: () => update((state) => ({ ...state, error: null, retrying: null }), 'note'),
        })
        update((state) => ({ ...state, isDone: true, doneReason: reason ?? null, retrying: null }))
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown))
        update((state) => ({ ...state, error, retrying: null }), 'note')
      }
    })
  }, [client, taskId, on, key])
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot)
}
