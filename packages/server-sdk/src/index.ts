/** Creates Taskcast tasks and publishes their events, exactly once. */

export {
  ConnectionError,
  ForbiddenError,
  GapError,
  GoneError,
  TaskcastError,
  UnauthorizedError,
  UnavailableError,
} from '@taskcast/client'
export { fromAISDK, fromOpenAI } from './adapters.js'
export { TaskcastServerClient } from './client.js'
export { ConflictError } from './errors.js'
export type { TaskListing } from './listing.js'
export type { Producer } from './producer.js'
export type * from './types.js'
