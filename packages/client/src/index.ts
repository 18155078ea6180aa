/** Follows the events of Taskcast tasks, and resumes exactly. */

export { TaskcastClient } from './client.js'
export {
  ConnectionError,
  type ErrorDetails,
  ForbiddenError,
  type Gap,
  GapError,
  GoneError,
  TaskcastError,
  UnauthorizedError,
  UnavailableError,
} from './errors.js'
export type * from './types.js'
export type { components } from './wire.gen.js'
