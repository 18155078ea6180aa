/** What can go wrong while a task is followed. Match on the class, never on the text. */

/** Everything that this package throws. */
export class TaskcastError extends Error {
  override name = 'TaskcastError'
  /** The status of the answer, where there was one. */
  readonly status: number | undefined
  /** The stable word of the server for what went wrong, such as `task_not_found`. */
  readonly code: string | undefined
  /** Whether the same request can succeed later. A subscription goes on after such an error. */
  readonly retryable: boolean = false

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.status = details.status
    this.code = details.code
  }
}

/** What is known about a failure beside its sentence. */
export interface ErrorDetails {
  status?: number | undefined
  code?: string | undefined
  cause?: unknown
}

/** The connection could not be made, broke off, or went silent. */
export class ConnectionError extends TaskcastError {
  override name = 'ConnectionError'
  override readonly retryable = true
}

/** The server cannot answer now: it is overloaded, is starting, or lacks something it needs. */
export class UnavailableError extends TaskcastError {
  override name = 'UnavailableError'
  override readonly retryable = true
  /** Milliseconds after which the server asks to come back, where it says so. */
  readonly retryAfter: number | undefined

  constructor(message: string, details: ErrorDetails & { retryAfter?: number | undefined }) {
    super(message, details)
    this.retryAfter = details.retryAfter
  }
}

/** The server does not know who asks: the token is missing, wrong or expired (401). */
export class UnauthorizedError extends TaskcastError {
  override name = 'UnauthorizedError'
}

/** The token does not allow this (403). */
export class ForbiddenError extends TaskcastError {
  override name = 'ForbiddenError'
}

/** The task does not exist, or does no longer (404, 410). */
export class GoneError extends TaskcastError {
  override name = 'GoneError'
}

/** Something between the cursor and what follows cannot be read any more. */
export class GapError extends TaskcastError {
  override name = 'GapError'
  /** What the server says about it. */
  readonly gap: Gap

  constructor(gap: Gap) {
    super(
      `events after ${gap.requested} cannot be read any more (${gap.reason}); the log begins at index ${gap.earliest}`,
      { code: 'gap' },
    )
    this.gap = gap
  }
}

/** What could not be delivered. What exists follows, from its beginning. */
export interface Gap {
  /** The cursor that could not be used. */
  requested: string
  /** The first index that can be read. */
  earliest: number
  /** `epoch`: another log stands in its place; `trimmed`, `cleaned`: removed by a rule; `lost`; `unknown`. */
  reason: 'epoch' | 'trimmed' | 'cleaned' | 'lost' | 'unknown'
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
  return new TaskcastError(message, details)
}

/** Does something that fails when the network does. */
export async function network<T>(otherwise: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (cause) {
    if (cause instanceof TaskcastError) throw cause
    throw new ConnectionError(otherwise, { cause })
  }
}

function retryAfter(response: Response): number | undefined {
  const seconds = Number.parseInt(response.headers.get('retry-after') ?? '', 10)
  return seconds >= 0 ? seconds * 1000 : undefined
}
