/** React hooks that follow Taskcast tasks. */

export { TaskcastProvider, type UseClient } from './client.js'
export {
  type SeriesState,
  type TaskEventsState,
  type TaskState,
  type UseSeries,
  type UseTaskEvents,
  useSeries,
  useTask,
  useTaskEvents,
} from './hooks.js'
export type { StreamState, UseStream } from './stream.js'
