import { type Answer, scripted } from '@taskcast/test-support'
import { expect, test } from 'vitest'
import {
  ConnectionError,
  type ServerClientOptions,
  TaskcastServerClient,
  UnauthorizedError,
  UnavailableError,
} from '../src/index.js'

function against(answers: Answer[], options: Partial<ServerClientOptions> = {}) {
  const { fetch, calls } = scripted(answers)
  return {
    client: new TaskcastServerClient({ baseUrl: 'http://server/', fetch, ...options }),
    calls,
  }
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  })
const lost = new TypeError('fetch failed')
const busy = json(503, { error: 'Not now', code: 'store_unavailable' })

test('a create and a publish are repeated under one key until they are answered', async () => {
  const calling = [
    (client: TaskcastServerClient) => client.createTask({ type: 'x' }),
    (client: TaskcastServerClient) => client.publishEvent('t', { type: 'x' }),
    (client: TaskcastServerClient) => client.publishEvents('t', [{ type: 'x' }]),
    (client: TaskcastServerClient) => client.transitionTask('t', 'running'),
  ]
  for (const call of calling) {
    const { client, calls } = against([
      lost,
      busy,
      new Response('{"id":"t"', json(201, {})),
      json(201, {}),
    ])
    await call(client)
    const keys = calls.map(({ headers }) => headers.get('idempotency-key'))
    expect(keys).toHaveLength(4)
    expect(new Set(keys).size).toBe(1)
  }
})

test('two calls have two keys, unless the caller names one', async () => {
  const { client, calls } = against([json(201, {})])
  await client.createTask()
  await client.createTask()
  await client.createTask({}, { idempotencyKey: 'order-4711' })
  const keys = calls.map(({ headers }) => headers.get('idempotency-key'))
  expect(new Set(keys).size).toBe(3)
  expect(keys[2]).toBe('order-4711')
})

test('what cannot be told from a second one is not repeated', async () => {
  for (const call of [
    (client: TaskcastServerClient) => client.resolve('t'),
    (client: TaskcastServerClient) =>
      client.importTaskArchive({
        schema: '',
        version: 1,
        exportedAt: 1,
        events: [],
        task: {} as never,
      }),
  ]) {
    const { client, calls } = against([lost])
    await expect(call(client)).rejects.toThrow(ConnectionError)
    expect(calls).toHaveLength(1)
  }
})

test('what was refused is not repeated', async () => {
  const { client, calls } = against([json(400, { error: 'No', code: 'invalid_request' })])
  await expect(client.createTask()).rejects.toMatchObject({ code: 'invalid_request', status: 400 })
  expect(calls).toHaveLength(1)
})

test('a task that is gone when a delete is repeated was deleted by the first', async () => {
  const gone = json(404, { error: 'Task not found', code: 'task_not_found' })
  await against([lost, gone]).client.deleteTask('t')
  await expect(against([gone]).client.deleteTask('t')).rejects.toThrow('Task not found')
})

test('it gives up after the time it was given, with the last error', async () => {
  const { client, calls } = against([busy], { retryFor: 300 })
  const error = await client.getTask('t').catch((thrown) => thrown)
  expect(error).toBeInstanceOf(UnavailableError)
  expect(error).toMatchObject({ status: 503, code: 'store_unavailable', retryable: true })
  expect(calls.length).toBeGreaterThan(1)
})

test('a server that asks for more time than there is gets no second request', async () => {
  const later = json(503, { error: 'Not now' }, { 'retry-after': '120' })
  const { client, calls } = against([later])
  await expect(client.getTask('t')).rejects.toThrow('Not now')
  expect(calls).toHaveLength(1)
})

test('a server that is silent is given up, and asked again', async () => {
  const { client, calls } = against([{ pieces: [], ending: 'hang' }, json(200, { id: 't' })], {
    timeout: 50,
  })
  expect(await client.getTask('t')).toEqual({ id: 't' })
  expect(calls).toHaveLength(2)
})

test('an abort ends the tries with its reason', async () => {
  const { client } = against([lost])
  const abort = new AbortController()
  const call = client.getTask('t', { signal: abort.signal })
  abort.abort(new Error('enough'))
  await expect(call).rejects.toThrow('enough')
})

test('a token is asked for once, and again after a 401', async () => {
  let count = 0
  const no = json(401, { error: 'Invalid or expired token', code: 'unauthorized' })
  const { client, calls } = against([json(200, {}), json(200, {}), no, json(200, {}), no], {
    token: async () => {
      count += 1
      return `token ${count}`
    },
  })
  await client.getTask('t')
  await client.getTask('t')
  await client.getTask('t')
  await expect(client.getTask('t')).rejects.toThrow(UnauthorizedError)
  const sent = calls.map(({ headers }) => headers.get('authorization')?.slice(-1))
  expect(sent).toEqual(['1', '1', '1', '2', '2', '3'])
})

test('a service key is sent in its header, for streams too', async () => {
  const { client, calls } = against([json(200, {}), new Response(null, { status: 204 })], {
    serviceKey: 'a key of a service',
  })
  await client.getTask('t')
  await client.subscribe('t', { onEvent: () => {} })
  expect(calls.map(({ headers }) => headers.get('x-taskcast-service-key'))).toEqual([
    'a key of a service',
    'a key of a service',
  ])
})

test('an answer that is no JSON points to the address', async () => {
  const { client } = against([new Response('<html>', { headers: { 'content-type': 'text/html' } })])
  await expect(client.getTask('t')).rejects.toThrow('is baseUrl right?')
})

test('a producer whose call failed for good opens a new epoch', async () => {
  const { client, calls } = against([json(201, {}), lost, busy, json(201, {})], { retryFor: 0 })
  const producer = client.producer('t')
  await producer.publish({ type: 'a' })
  await expect(producer.publish({ type: 'b' })).rejects.toThrow(ConnectionError)
  await expect(producer.publish({ type: 'b' })).rejects.toThrow(UnavailableError)
  await producer.publish({ type: 'c' })
  const sent = calls.map(({ headers }) => [
    headers.get('producer-epoch'),
    headers.get('producer-seq'),
  ])
  expect(sent).toEqual([
    ['0', '0'],
    ['0', '1'],
    ['1', '0'],
    ['2', '0'],
  ])
})
