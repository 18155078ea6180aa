/** What answers that are not successes stand for. The classes are those of `@taskcast/client`. */

import {
  ForbiddenError,
  GoneError,
  TaskcastError,
  UnauthorizedError,
  UnavailableError,
} from '@taskcast/client'

/** The task is not as the request needs it, or something has that name already (409). */
export class ConflictError extends TaskcastError {
  override name = 'ConflictError'
  /** Whether others were only busy with the task at that moment. */
  override readonly retryable = this.code === 'conflict'
}

/** The error that an answer stands for. Reads its body. */
export async function errorOf(response: Response): Promise<TaskcastError> {
  const { status } = response
  const body = await response.json().catch(() => undefined)
  const text = typeof body?.error === 'string' ? body.error : 'the server gave no reason'
  const message = `${text} (HTTP ${status})`
  const details = { status, code: typeof body?.code === 'string' ? body.code : undefined }
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    return new UnavailableError(message, { ...details, retryAfter: retryAfter(response) })
  }
  if (status === 401) return new UnauthorizedError(message, details)
  if (status === 403) return new ForbiddenError(message, details)
  if (status === 404 || status === 410) return new GoneError(message, details)
  if (status === 409) return new ConflictError(message, details)
  return new TaskcastError(message, details)
}

function retryAfter(response: Response): number | undefined {
  const seconds = Number.parseInt(response.headers.get('retry-after') ?? '', 10)
  return seconds >= 0 ? seconds * 1000 : undefined
}
