import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cuttingProxy, findServer, type Server, startServer } from '@taskcast/test-support'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Envelope,
  type Gap,
  GapError,
  GoneError,
  TaskcastClient,
  type TaskEvent,
} from '../src/index.js'

/** Clients come back quickly, so that a test sees many connections. */
const env = { TASKCAST_SSE_RETRY_MS: '100', TASKCAST_SSE_HEARTBEAT_MS: '200' }
const full = process.env['TASKCAST_TEST_COUNTS'] === 'full'

describe.skipIf(findServer() === undefined)('against a real server', { timeout: 120_000 }, () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer({ env })
  })
  afterAll(() => server.stop())

  test('the listing of the guide runs, live and late', async () => {
    const taskId = await runningTask(server.url)
    const client = new TaskcastClient({ baseUrl: server.url, token: 'any' })
    const told: string[] = []
    const live = client.subscribe(taskId, {
      onEvent: (e) => told.push(e.type),
      onDone: (reason) => told.push(reason),
    })
    await publish(server.url, taskId, [{ type: 'llm.delta', data: { text: 'Hello!' } }])
    await complete(server.url, taskId)
    expect(await live).toBe('completed')
    expect(told).toEqual(['taskcast:status', 'llm.delta', 'taskcast:status', 'completed'])
    const late: unknown[] = []
    for await (const e of client.events(taskId, { filter: { types: ['llm.*'], wrap: false } })) {
      late.push([e.index, e.data])
    }
    expect(late).toEqual([[1, { text: 'Hello!' }]])
    expect(await client.getTask(taskId)).toMatchObject({ id: taskId, status: 'completed' })
  })

  test('a task that is not there is gone', async () => {
    const client = new TaskcastClient({ baseUrl: server.url })
    await expect(client.subscribe('no/such', { onEvent() {} })).rejects.toThrow(GoneError)
    await expect(client.getTask('no/such')).rejects.toMatchObject({ code: 'task_not_found' })
  })

  test('envelopes and events have the keys that their types name', async () => {
    const taskId = await runningTask(server.url)
    const series = { seriesId: 's', seriesMode: 'accumulate', seriesAccField: 'text' }
    await publish(server.url, taskId, [
      { type: 'd', level: 'warn', data: { text: 'a' }, ...series },
    ])
    await complete(server.url, taskId)
    const client = new TaskcastClient({ baseUrl: server.url })
    const envelope: Required<Envelope> = {
      filteredIndex: 0,
      rawIndex: 1,
      eventId: expect.any(String),
      taskId,
      timestamp: expect.any(Number),
      type: 'd',
      level: 'warn',
      data: { text: 'a' },
      seriesId: 's',
      seriesMode: 'accumulate',
      seriesAccField: 'text',
      seriesSnapshot: true,
    }
    const filter = { types: ['d'] }
    expect((await client.events(taskId, { filter }).next()).value).toEqual(envelope)
    const { filteredIndex: _, rawIndex: index, eventId: id, ...rest } = envelope
    const event: Required<TaskEvent> = { ...rest, id, index }
    const bare = client.events(taskId, { filter: { ...filter, wrap: false } })
    expect((await bare.next()).value).toEqual(event)
  })

  test('a cursor that points nowhere is a gap, and what exists follows it', async () => {
    const taskId = await runningTask(server.url)
    await complete(server.url, taskId)
    const client = new TaskcastClient({ baseUrl: server.url })
    const since = { id: 'nonsense' }
    const gaps: Gap[] = []
    const types: string[] = []
    for await (const e of client.events(taskId, { since, onGap: (gap) => gaps.push(gap) })) {
      types.push(e.type)
    }
    expect(gaps).toEqual([{ requested: 'nonsense', earliest: 0, reason: 'unknown' }])
    expect(types).toEqual(['taskcast:status', 'taskcast:status'])
    await expect(client.events(taskId, { since }).next()).rejects.toThrow(GapError)
  })

  test('a thousand cuts: each event once, in order, in all clients', async () => {
    const [clients, count] = full ? [20, 5_000] : [20, 1_000]
    const proxy = await cuttingProxy(server.url, { seed: 7, min: 50, max: 500 })
    const taskId = await runningTask(server.url)
    const client = new TaskcastClient({ baseUrl: proxy.url })
    const started = Date.now()
    const readers = Array.from({ length: clients }, async () => {
      const seen: unknown[] = []
      for await (const e of client.events(taskId, { filter: { types: ['n'] } })) seen.push(e.data)
      return seen
    })
    const batch = 20
    for (let n = 0; n < count; n += batch) {
      const events = Array.from({ length: batch }, (_, at) => ({ type: 'n', data: n + at }))
      await publish(server.url, taskId, events)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await complete(server.url, taskId)
    const wanted = Array.from({ length: count }, (_, n) => n)
    for (const seen of await Promise.all(readers)) expect(seen).toEqual(wanted)
    // A connection takes 50 ms at least, and so does the pause after it.
    const turns = (Date.now() - started) / 100 + 1
    expect(proxy.connections).toBeGreaterThan(clients)
    expect(proxy.connections).toBeLessThan(clients * turns)
    await proxy.close()
  })

  test('the text of a series grows through the cuts and equals the source', async () => {
    const proxy = await cuttingProxy(server.url, { seed: 11, min: 50, max: 300 })
    const taskId = await runningTask(server.url)
    const client = new TaskcastClient({ baseUrl: proxy.url })
    const shown = (async () => {
      const texts: string[] = []
      for await (const text of client.series(taskId, 'answer')) texts.push(text)
      return texts
    })()
    const source = 'Grüße 🎉 from '.repeat(40)
    // Cut by UTF-16 unit: every 🎉 comes in two halves.
    for (const unit of source.split('')) {
      const series = { seriesId: 'answer', seriesMode: 'accumulate' }
      await publish(server.url, taskId, [{ type: 'd', data: { delta: unit }, ...series }])
    }
    await complete(server.url, taskId)
    const texts = await shown
    expect(texts.at(-1)).toBe(source)
    for (const [at, text] of texts.entries()) {
      expect(source.startsWith(text)).toBe(true)
      expect(text.length).toBeGreaterThanOrEqual(texts[at - 1]?.length ?? 0)
    }
    await proxy.close()
  })

  test('tokens that last two seconds carry a longer stream', async () => {
    const secret = 'a secret that is long enough for HS256'
    const own = await startServer({
      env: {
        ...env,
        TASKCAST_AUTH_MODE: 'jwt',
        TASKCAST_JWT_SECRET: secret,
        TASKCAST_AUTH_JWT_LEEWAY_SECONDS: '0',
      },
    })
    const backend = signed(secret, 3_600)
    const taskId = await runningTask(own.url, backend)
    let asked = 0
    const client = new TaskcastClient({
      baseUrl: own.url,
      token: async () => {
        asked += 1
        return signed(secret, 2)
      },
    })
    const seen: unknown[] = []
    const end = client.subscribe(taskId, {
      filter: { types: ['n'] },
      onEvent: (e) => seen.push(e.data),
    })
    for (let n = 0; n < 50; n += 1) {
      await publish(own.url, taskId, [{ type: 'n', data: n }], backend)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    await complete(own.url, taskId, backend)
    expect(await end).toBe('completed')
    expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n))
    expect(asked).toBeGreaterThan(2)
    expect(asked).toBeLessThan(20)
    await own.stop()
  })

  test('a server that is killed and started again is found again, nothing lost or repeated', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'taskcast-'))
    const settings = { env, storage: 'sqlite', database: join(folder, 'tasks.db') } as const
    let own = await startServer(settings)
    const { port } = own
    const taskId = await runningTask(own.url)
    const seen: unknown[] = []
    const client = new TaskcastClient({ baseUrl: own.url })
    const end = client.subscribe(taskId, {
      filter: { types: ['n'] },
      onEvent: (e) => seen.push(e.data),
    })
    for (let n = 0; n < 6; n += 1) {
      await publish(own.url, taskId, [{ type: 'n', data: n }])
      if (n % 2 === 1) {
        await own.stop('SIGKILL')
        own = await startServer({ ...settings, port })
      }
    }
    await complete(own.url, taskId)
    expect(await end).toBe('completed')
    expect(seen).toEqual([0, 1, 2, 3, 4, 5])
    await own.stop()
    rmSync(folder, { recursive: true })
  })
})

async function runningTask(url: string, token?: string): Promise<string> {
  const task = await send(url, 'POST', '/tasks', { type: 'test' }, token)
  await send(url, 'PATCH', `/tasks/${task.id}/status`, { status: 'running' }, token)
  return task.id
}

const publish = (url: string, id: string, events: object[], token?: string) =>
  send(url, 'POST', `/tasks/${id}/events`, events, token)

const complete = (url: string, id: string, token?: string) =>
  send(url, 'PATCH', `/tasks/${id}/status`, { status: 'completed' }, token)

async function send(url: string, method: string, path: string, body: unknown, token = '') {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

function signed(secret: string, seconds: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { sub: 'test', scope: ['*'], exp: Math.floor(Date.now() / 1000) + seconds }
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
