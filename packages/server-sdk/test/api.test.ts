import { describe, expect, test } from 'vitest'
import {
  ConflictError,
  GoneError,
  type Task,
  TaskcastServerClient,
  type TaskEvent,
  UnauthorizedError,
} from '../src/index.js'
import { server } from './support.js'

const held = server()

test('a task is created, run, completed and read', async () => {
  const { client } = held
  const task = await client.createTask({ type: 'llm.chat', params: { prompt: 'Hello' } })
  expect(task).toMatchObject({ type: 'llm.chat', status: 'pending', params: { prompt: 'Hello' } })
  await client.transitionTask(task.id, 'running')
  const event = await client.publishEvent(task.id, { type: 'step', data: { n: 1 } })
  expect(event).toMatchObject({ taskId: task.id, index: 1, level: 'info', data: { n: 1 } })
  const batch = await client.publishEvents(task.id, [{ type: 'step' }, { type: 'step' }])
  expect(batch.map(({ index }) => index)).toEqual([2, 3])
  await client.complete(task.id, { output: 'Hi' }, { events: [{ type: 'last' }] })
  expect(await client.getTask(task.id)).toMatchObject({
    status: 'completed',
    result: { output: 'Hi' },
    subscriberCount: 0,
  })
  const types = (await client.getHistory(task.id)).map(({ type }) => type)
  expect(types).toEqual(['taskcast:status', 'step', 'step', 'step', 'last', 'taskcast:status'])
})

test('a task that never ran can be completed, and is told to have run', async () => {
  const { client } = held
  const { id } = await client.createTask()
  await client.transitionTask(id, 'completed', { result: { output: 'Hello!' } })
  const statuses = (await client.getHistory(id)).map(({ data }) => (data as Task).status)
  expect(statuses).toEqual(['running', 'completed'])
})

test('a task that is paused is not set running to complete it', async () => {
  const { client } = held
  const { id } = await client.createTask()
  await client.transitionTask(id, 'paused')
  await expect(client.complete(id)).rejects.toThrow('Invalid transition: paused → completed')
})

test('a failure says why', async () => {
  const { client } = held
  const failures = [
    [new Error('no model'), { message: 'no model' }],
    [Object.assign(new Error('no'), { code: 'E_NO' }), { message: 'no', code: 'E_NO' }],
    ['as text', { message: 'as text' }],
    [
      { message: 'm', details: { at: 3 } },
      { message: 'm', details: { at: 3 } },
    ],
  ] as const
  for (const [given, told] of failures) {
    const { id } = await client.createTask()
    const task = await client.fail(id, given)
    expect(task).toMatchObject({ status: 'failed', error: told })
  }
})

test('a blocked task is resolved', async () => {
  const { client } = held
  const { id } = await client.createTask()
  await client.transitionTask(id, 'running')
  await client.transitionTask(id, 'blocked', { blockedRequest: { type: 'confirm' } })
  const task = await client.resolve(id, { approved: true })
  expect(task).toMatchObject({ status: 'running', result: { approved: true } })
})

test('lists go through all pages, lazily', async () => {
  const { client } = held
  for (let n = 0; n < 5; n += 1) await client.createTask({ id: `page-${n}`, tags: ['pages'] })
  const listing = client.listTasks({ tags: ['pages'], status: ['pending'], limit: 2 })
  const ids: string[] = []
  for await (const { id } of listing) ids.push(id)
  expect(ids).toEqual(['page-4', 'page-3', 'page-2', 'page-1', 'page-0'])
  const sizes: number[] = []
  for await (const page of listing.pages()) sizes.push(page.length)
  expect(sizes.slice(0, 2)).toEqual([2, 2])
})

test('history is filtered', async () => {
  const { client } = held
  const { id } = await client.createTask()
  const event = { type: 'a.b', seriesId: 's', seriesMode: 'accumulate' } as const
  for (const delta of ['x', 'y', 'z']) await client.publishEvent(id, { ...event, data: { delta } })
  await client.publishEvent(id, { type: 'other', level: 'debug' })
  const read = async (query: Parameters<typeof client.getHistory>[1]) =>
    (await client.getHistory(id, query)).map(({ index }) => index)
  expect(await read({ types: ['a.*'] })).toEqual([0, 1, 2])
  expect(await read({ levels: ['debug'] })).toEqual([3])
  expect(await read({ since: { index: 0 }, limit: 2 })).toEqual([1, 2])
  const [folded] = await client.getHistory(id, { seriesFormat: 'accumulated' })
  expect(folded).toMatchObject({ data: { delta: 'xyz' }, seriesSnapshot: true })
})

test('an archive brings a task back', async () => {
  const { client } = held
  const { id } = await client.createTask({ metadata: { by: 'me' } })
  await client.publishEvents(id, [{ type: 'a', data: 1 }, { type: 'b' }])
  const archive = await client.exportTaskArchive(id, { full: true })
  await expect(client.importTaskArchive(archive)).rejects.toThrow(ConflictError)
  await client.deleteTask(id)
  await expect(client.getTask(id)).rejects.toThrow(GoneError)
  expect(await client.importTaskArchive(archive)).toMatchObject({ taskId: id, eventCount: 2 })
  expect((await client.exportTaskArchive(id, { full: true })).events).toEqual(archive.events)
})

test('a server tells about itself', async () => {
  expect(await held.client.getServerInfo()).toMatchObject({ name: 'taskcast', apiVersion: 'v1' })
})

test('a ticket opens a stream', async () => {
  const { client, url } = held
  const { id } = await client.createTask()
  await client.complete(id)
  const { ticket } = await client.createTicket(id)
  const answer = await fetch(`${url}/tasks/${id}/events?ticket=${encodeURIComponent(ticket)}`)
  expect(await answer.text()).toContain('"reason":"completed"')
})

describe('subscribe', () => {
  test('with options it resolves at the end', async () => {
    const { client } = held
    const { id } = await client.createTask()
    await client.complete(id)
    const types: string[] = []
    const reason = await client.subscribe(id, { onEvent: (event) => void types.push(event.type) })
    expect({ reason, types }).toEqual({
      reason: 'completed',
      types: ['taskcast:status', 'taskcast:status'],
    })
  })

  test('with a handler it gives plain events, until it is told to stop', async () => {
    const { client } = held
    const { id } = await client.createTask()
    const seen: TaskEvent[] = []
    let heard = () => {}
    const first = new Promise<void>((resolve) => {
      heard = resolve
    })
    const unsubscribe = client.subscribe(
      id,
      (event) => {
        seen.push(event)
        heard()
      },
      { includeStatus: false },
    )
    await client.publishEvent(id, { type: 'x', data: 1 })
    await first
    unsubscribe()
    await expect.poll(async () => (await client.getTask(id)).subscriberCount).toBe(0)
    expect(seen).toMatchObject([{ index: 0, type: 'x', data: 1, taskId: id }])
  })

  test('with a handler, what ends it is told where somebody asks', async () => {
    const error = await new Promise((resolve) => {
      held.client.subscribe('nobody', () => {}, {}, resolve)
    })
    expect(error).toBeInstanceOf(GoneError)
  })
})

test('an id is encoded', async () => {
  const { client } = held
  const id = 'a/b?c #ü'
  await client.createTask({ id })
  const producer = client.producer(id, { id: 'worker/1 ?' })
  await producer.publish({ type: 'x' })
  await client.pipe(
    id,
    (async function* () {
      yield 'text'
    })(),
    { producer: { id: 'worker#2' } },
  )
  await client.complete(id)
  expect(await client.subscribe(id, { onEvent: () => {} })).toBe('completed')
})

test('an error has the status, the code and a sentence', async () => {
  const { client } = held
  const { id } = await client.createTask()
  await client.complete(id)
  await expect(client.publishEvent(id, { type: 'x' })).rejects.toMatchObject({
    status: 400,
    code: 'task_sealed',
    retryable: false,
  })
  await expect(client.createTask({ id })).rejects.toMatchObject({
    status: 409,
    code: 'task_exists',
  })
  await expect(client.transitionTask(id, 'failed')).rejects.toThrow(ConflictError)
})

describe('with tokens', () => {
  const secret = 'a secret that is long enough for HS256'
  const guarded = server({
    TASKCAST_AUTH_MODE: 'jwt',
    TASKCAST_JWT_SECRET: secret,
    TASKCAST_AUTH_JWT_LEEWAY_SECONDS: '0',
  })

  async function tokenFor(claims: object): Promise<string> {
    const { createHmac } = await import('node:crypto')
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const text = `${part({ alg: 'HS256' })}.${part(claims)}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }

  test('one that has expired is asked for again, once', async () => {
    let asked = 0
    const client = new TaskcastServerClient({
      baseUrl: guarded.url,
      token: () => {
        asked += 1
        return tokenFor({ scope: ['*'], exp: asked === 1 ? 1_000 : 4_000_000_000 })
      },
    })
    const { id } = await client.createTask()
    await client.pipe(
      id,
      (async function* () {
        yield 'Hello'
      })(),
    )
    expect(asked).toBe(2)
    const wrong = new TaskcastServerClient({ baseUrl: guarded.url, token: () => 'wrong' })
    await expect(wrong.getTask(id)).rejects.toThrow(UnauthorizedError)
  })

  test('a pipe renews one that has expired', async () => {
    let asked = 0
    const client = new TaskcastServerClient({
      baseUrl: guarded.url,
      token: () => {
        asked += 1
        return tokenFor({ scope: ['*'], exp: asked === 1 ? 1_000 : 4_000_000_000 })
      },
    })
    const admin = new TaskcastServerClient({
      baseUrl: guarded.url,
      token: await tokenFor({ scope: ['*'] }),
    })
    const { id } = await admin.createTask()
    expect(
      await client.pipe(
        id,
        (async function* () {
          yield 'Hello'
        })(),
      ),
    ).toEqual({ events: 1 })
  })

  test('who may manage but not publish can change the status', async () => {
    const token = await tokenFor({ scope: ['task:create', 'task:manage'] })
    const client = new TaskcastServerClient({ baseUrl: guarded.url, token })
    const { id } = await client.createTask()
    expect(await client.complete(id, { ok: true })).toMatchObject({ status: 'completed' })
  })
})
