import { type Answer, scripted } from '@taskcast/test-support'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  ConnectionError,
  ForbiddenError,
  GoneError,
  TaskcastClient,
  type TaskcastError,
  UnauthorizedError,
  UnavailableError,
} from '../src/index.js'
import { done, event, opening } from './frames.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A subscription under way against a script. */
function start(answers: Answer[], token?: () => string) {
  const script = scripted(answers)
  const client = new TaskcastClient({ baseUrl: 'http://server/', fetch: script.fetch, token })
  const errors: TaskcastError[] = []
  const abort = new AbortController()
  const outcome = client.subscribe('a/b', {
    onEvent: () => {},
    onError: (error) => errors.push(error),
    signal: abort.signal,
  })
  outcome.catch(() => {})
  return { ...script, errors, outcome, abort }
}

const failure = (status: number, headers: Record<string, string> = {}) =>
  new Response('{"error":"No, thanks","code":"no_thanks"}', { status, headers })

const hang: Answer = { pieces: [opening], ending: 'hang' }

test.each([
  [401, UnauthorizedError],
  [403, ForbiddenError],
  [404, GoneError],
  [410, GoneError],
])('%i ends it with its own error', async (status, kind) => {
  const { outcome, calls } = start([failure(status)])
  await expect(outcome).rejects.toThrow(kind)
  await expect(outcome).rejects.toMatchObject({ status, code: 'no_thanks', retryable: false })
  await expect(outcome).rejects.toThrow(`No, thanks (HTTP ${status})`)
  expect(calls.map((call) => call.url.href)).toEqual(['http://server/tasks/a%2Fb/events'])
  expect(vi.getTimerCount()).toBe(0)
})

test('pauses grow from what the server asks, differ, and end when it answers', async () => {
  const { calls, errors, outcome } = start([
    { pieces: [opening], ending: 'cut' },
    ...Array.from({ length: 8 }, () => new TypeError('fetch failed')),
    { pieces: [opening], ending: 'cut' },
    { pieces: [opening, done] },
  ])
  await vi.advanceTimersByTimeAsync(300_000)
  await outcome
  const pauses = calls.slice(1).map((call, at) => call.at - (calls[at]?.at ?? 0))
  const ceilings = [2, 4, 8, 16, 30, 30, 30, 30, 30, 2].map((seconds) => seconds * 1000)
  for (const [at, ceiling] of ceilings.entries()) {
    expect(pauses[at]).toBeGreaterThanOrEqual(ceiling / 2)
    expect(pauses[at]).toBeLessThanOrEqual(ceiling + 1)
  }
  expect(errors).toHaveLength(10)
  expect(errors.every((error) => error instanceof ConnectionError)).toBe(true)
})

test('Retry-After is honoured', async () => {
  const { calls, errors } = start([failure(503, { 'retry-after': '20' }), hang])
  await vi.advanceTimersByTimeAsync(19_900)
  expect(calls).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1_500)
  expect(calls).toHaveLength(2)
  expect(errors[0]).toBeInstanceOf(UnavailableError)
})

test('after an end in good order it comes back at once, or when the server asks at parting', async () => {
  const ended: Answer = { pieces: [opening, 2_000, ': the token has expired\n\n'] }
  const stopping: Answer = { pieces: [opening, 2_000, 'retry: 9000\n\n'] }
  const { calls } = start([ended, stopping, hang])
  await vi.advanceTimersByTimeAsync(15_000)
  const [first, second, third] = calls.map((call) => call.at)
  expect((second ?? 0) - (first ?? 0)).toBeLessThanOrEqual(2_250)
  expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(2_000 + 4_500)
})

test('a server that ends each stream at once is not hurried', async () => {
  const { calls } = start([{ pieces: [opening] }])
  await vi.advanceTimersByTimeAsync(20_000)
  expect(calls.length).toBeLessThanOrEqual(21)
})

test('a connection that is silent for 45 seconds is replaced at once', async () => {
  const { calls, errors } = start([hang])
  await vi.advanceTimersByTimeAsync(44_000)
  expect(calls).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(6_100)
  expect(calls).toHaveLength(2)
  expect(calls[0]?.signal?.aborted).toBe(true)
  expect(errors[0]?.message).toContain('nothing was heard')
})

test('a slow reader is not taken for a silent server', async () => {
  const { fetch, calls } = scripted([{ pieces: [opening, event(1), event(2), done] }])
  const client = new TaskcastClient({ baseUrl: 'http://server', fetch })
  const outcome = client.subscribe('t', {
    onEvent: () => new Promise((resolve) => setTimeout(resolve, 100_000)),
  })
  await vi.advanceTimersByTimeAsync(300_000)
  expect(await outcome).toBe('completed')
  expect(calls).toHaveLength(1)
})

test('a machine that wakes reconnects at once', async () => {
  const { calls } = start([hang])
  await vi.advanceTimersByTimeAsync(1_000)
  vi.setSystemTime(Date.now() + 30_000)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(calls).toHaveLength(2)
})

/** A browser's page, as far as a client listens to it. */
function page() {
  const window = new EventTarget()
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window))
  vi.stubGlobal('removeEventListener', window.removeEventListener.bind(window))
  vi.stubGlobal('document', document)
  return {
    online: () => window.dispatchEvent(new Event('online')),
    show: () => document.dispatchEvent(new Event('visibilitychange')),
  }
}

test('a page that is looked at again, or online again, does not sit out its pause', async () => {
  const browser = page()
  const { calls } = start([new TypeError('fetch failed')])
  await vi.advanceTimersByTimeAsync(100)
  browser.online()
  await vi.advanceTimersByTimeAsync(1)
  expect(calls).toHaveLength(2)
  browser.show()
  await vi.advanceTimersByTimeAsync(1)
  expect(calls).toHaveLength(3)
})

test('a page that comes back replaces a connection that has missed a heartbeat, and no other', async () => {
  const browser = page()
  const { calls } = start([hang])
  await vi.advanceTimersByTimeAsync(10_000)
  browser.show()
  await vi.advanceTimersByTimeAsync(1)
  expect(calls).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(15_000)
  browser.show()
  await vi.advanceTimersByTimeAsync(1)
  expect(calls).toHaveLength(2)
  browser.online()
  await vi.advanceTimersByTimeAsync(1)
  expect(calls).toHaveLength(3)
})

test('the token is asked for again after a 401 and after an end, and kept over a cut', async () => {
  let count = 0
  const { calls, outcome } = start(
    [
      failure(401),
      { pieces: [opening], ending: 'cut' },
      { pieces: [opening], ending: 'end' },
      { pieces: [opening, done] },
    ],
    () => {
      count += 1
      return `token ${count}`
    },
  )
  await vi.advanceTimersByTimeAsync(20_000)
  await outcome
  const sent = calls.map((call) => call.headers.get('authorization'))
  expect(sent).toEqual(['Bearer token 1', 'Bearer token 2', 'Bearer token 2', 'Bearer token 3'])
})

test('a second 401 in a row ends it', async () => {
  const { calls, outcome } = start([failure(401)], () => 'bad')
  await vi.advanceTimersByTimeAsync(10)
  await expect(outcome).rejects.toThrow(UnauthorizedError)
  expect(calls).toHaveLength(2)
})

test('an abort ends it with its reason, and leaves nothing behind', async () => {
  for (const answers of [[hang], [new TypeError('fetch failed')]]) {
    const { outcome, abort } = start(answers)
    await vi.advanceTimersByTimeAsync(100)
    abort.abort(new Error('enough'))
    await expect(outcome).rejects.toThrow('enough')
    expect(vi.getTimerCount()).toBe(0)
  }
})

test('what is no event stream is said to be none', async () => {
  const { outcome } = start([new Response('<html>', { headers: { 'content-type': 'text/html' } })])
  await expect(outcome).rejects.toThrow('is not an event stream')
})

test('what a callback throws ends the subscription', async () => {
  const { fetch, calls } = scripted([{ pieces: [opening, event(1)], ending: 'hang' }])
  const client = new TaskcastClient({ baseUrl: 'http://server', fetch })
  const outcome = client.subscribe('t', {
    onEvent: () => {
      throw new Error('a bug')
    },
  })
  await expect(outcome).rejects.toThrow('a bug')
  expect(calls[0]?.signal?.aborted).toBe(true)
})
