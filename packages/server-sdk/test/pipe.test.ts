import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cuttingProxy, startServer } from '@taskcast/test-support'
import { describe, expect, test } from 'vitest'
import { GoneError, TaskcastServerClient } from '../src/index.js'
import { dataOf, numbered, server, source, upTo } from './support.js'

const held = server()

async function* texts(...parts: string[]) {
  yield* parts
}

test('texts become one series, readable while the source goes on', async () => {
  const { client } = held
  const { id } = await client.createTask()
  const shown = client.follower.series(id, 'answer')
  let go = () => {}
  const seen = new Promise<void>((resolve) => {
    go = resolve
  })
  async function* model() {
    yield 'Hello'
    await seen
    yield ', world'
  }
  const piped = client.pipe(id, model(), { series: 'answer' })
  expect((await shown.next()).value).toBe('Hello')
  go()
  expect(await piped).toEqual({ events: 2 })
  expect((await shown.next()).value).toBe('Hello, world')
  await shown.return(undefined)
})

test('type and field of texts can be named, and events go as they are', async () => {
  const { client } = held
  const { id } = await client.createTask()
  await client.pipe(id, texts('a'), { series: 's', type: 'word', field: 'text' })
  await client.pipe(id, source(1))
  expect(await client.getHistory(id)).toMatchObject([
    { type: 'word', data: { text: 'a' }, seriesId: 's', seriesAccField: 'text' },
    { type: 'n', data: 0 },
  ])
})

test('a character that the source cuts in two is whole again', async () => {
  const { client } = held
  const { id } = await client.createTask()
  await client.pipe(id, texts('a\ud83c', '\udf89b'), { series: 's' })
  const { value } = await client.follower.series(id, 's').next()
  expect(value).toBe('a🎉b')
})

test('a source that is longer than a request holds goes on in the next', async () => {
  const { client } = held
  const { id } = await client.createTask()
  expect(await client.pipe(id, source(25_000))).toEqual({ events: 25_000 })
  expect(await dataOf(client, id)).toEqual(upTo(25_000))
})

test('an empty source sends nothing', async () => {
  const { client } = held
  const { id } = await client.createTask()
  expect(await client.pipe(id, texts())).toEqual({ events: 0 })
})

test('what the source throws is thrown, after what it gave is stored', async () => {
  const { client } = held
  const { id } = await client.createTask()
  async function* broken() {
    yield* numbered(3)
    throw new Error('no more tokens')
  }
  await expect(client.pipe(id, broken())).rejects.toThrow('no more tokens')
  expect(await dataOf(client, id)).toEqual([0, 1, 2])
})

describe('the source is told to stop', () => {
  /** A source without an end, and whether it was told. */
  function endless() {
    let stopped = () => {}
    const told = new Promise<void>((resolve) => {
      stopped = resolve
    })
    async function* items() {
      try {
        for (;;) {
          yield 'more '
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      } finally {
        stopped()
      }
    }
    return { items: items(), told }
  }

  test('when the task has ended', async () => {
    const { client } = held
    const { id } = await client.createTask()
    const { items, told } = endless()
    const piped = client.pipe(id, items, { series: 's' })
    await client.transitionTask(id, 'cancelled')
    await expect(piped).rejects.toMatchObject({ code: 'task_sealed' })
    await told
  })

  test('when the task does not exist', async () => {
    const { items, told } = endless()
    await expect(held.client.pipe('nobody', items)).rejects.toThrow(GoneError)
    await told
  })

  test('when the caller aborts, also while the source is silent', async () => {
    const { client } = held
    const { id } = await client.createTask()
    const abort = new AbortController()
    const { items, told } = endless()
    const piped = client.pipe(id, items, { signal: abort.signal })
    await expect.poll(() => dataOf(client, id)).not.toEqual([])
    abort.abort(new Error('enough'))
    await expect(piped).rejects.toThrow('enough')
    await told
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
    await expect(
      client.pipe(id, silent, { signal: AbortSignal.timeout(20) }),
    ).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})

test('the same source under the same producer adds only what was not stored', async () => {
  const { client } = held
  const { id } = await client.createTask()
  const producer = { id: 'import' }
  await client.pipe(id, source(10), { producer })
  await client.pipe(id, source(25), { producer })
  await client.pipe(id, source(25), { producer, streaming: false })
  expect(await dataOf(client, id)).toEqual(upTo(25))
  await client.pipe(id, source(2), { producer: { id: 'import', epoch: 1 } })
  await expect(client.pipe(id, source(30), { producer })).rejects.toMatchObject({
    code: 'producer_fenced',
  })
})

test('without streaming, what came meanwhile goes as one batch', async () => {
  const { url } = held
  const bodies: unknown[] = []
  const client = new TaskcastServerClient({
    baseUrl: url,
    fetch: (input, init) => {
      bodies.push(init?.body)
      return fetch(input, init)
    },
  })
  const { id } = await held.client.createTask()
  await client.pipe(id, source(2_000), { streaming: false })
  expect(await dataOf(held.client, id)).toEqual(upTo(2_000))
  expect(bodies.every((body) => typeof body === 'string')).toBe(true)
  expect(bodies.length).toBeLessThan(20)
})

test('a network that takes nothing holds the source back', async () => {
  // It accepts the connection, and never reads from it.
  const stuck = createServer((socket) => socket.pause())
  stuck.listen(0, '127.0.0.1')
  await once(stuck, 'listening')
  const { port } = stuck.address() as AddressInfo
  const client = new TaskcastServerClient({ baseUrl: `http://127.0.0.1:${port}` })
  let given = 0
  async function* large() {
    for (;;) {
      given += 1
      yield { type: 'large', data: 'x'.repeat(100_000) }
    }
  }
  const abort = new AbortController()
  const piped = client.pipe('t', large(), { signal: abort.signal })
  let before = -1
  await expect
    .poll(
      () => {
        const settled = given > 0 && given === before
        before = given
        return settled
      },
      { interval: 200 },
    )
    .toBe(true)
  expect(given).toBeLessThan(150)
  abort.abort(new Error('enough'))
  await expect(piped).rejects.toThrow('enough')
  stuck.close()
})

/** Numbered events, one every few milliseconds. */
async function* slowly(count: number) {
  for (const event of numbered(count)) {
    yield event
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
}

const ways = {
  'by a pipe': (client: TaskcastServerClient, id: string) => client.pipe(id, slowly(300)),
  'one by one': async (client: TaskcastServerClient, id: string) => {
    for await (const event of slowly(300)) await client.publishEvent(id, event)
  },
  'by a producer': async (client: TaskcastServerClient, id: string) => {
    const producer = client.producer(id)
    for await (const event of slowly(300)) await producer.publish(event)
  },
}

test.for(Object.entries(ways))(
  '%s, a server that is killed and comes back gets each event once',
  async ([, publish]) => {
    const folder = await mkdtemp(join(tmpdir(), 'taskcast-pipe-'))
    const options = { storage: 'sqlite', database: `${folder}/log.db` } as const
    let running = await startServer(options)
    const client = new TaskcastServerClient({ baseUrl: running.url })
    const { id } = await client.createTask()
    const published = publish(client, id)
    for (let kill = 0; kill < 2; kill += 1) {
      await new Promise((resolve) => setTimeout(resolve, 250))
      await running.stop('SIGKILL')
      running = await startServer({ ...options, port: running.port })
    }
    await published
    expect(await dataOf(client, id)).toEqual(upTo(300))
    await running.stop()
    await rm(folder, { recursive: true })
  },
)

test('a server that lost what it had stored is not taken for one that has it', async () => {
  const proxy = await cuttingProxy(held.url)
  const client = new TaskcastServerClient({ baseUrl: proxy.url })
  const { id } = await client.createTask()
  let reached = () => {}
  let again = () => {}
  const stored = new Promise<void>((resolve) => {
    reached = resolve
  })
  const cut = new Promise<void>((resolve) => {
    again = resolve
  })
  async function* source() {
    yield* numbered(2_000)
    reached()
    await cut
    yield* numbered(1)
  }
  const piped = client.pipe(id, source(), { streaming: false })
  piped.catch(() => {})
  await stored
  await expect.poll(async () => (await dataOf(held.client, id)).length).toBe(2_000)
  await held.client.deleteTask(id)
  await held.client.createTask({ id })
  proxy.offline = true
  again()
  await new Promise((resolve) => setTimeout(resolve, 20))
  proxy.offline = false
  await expect(piped).rejects.toMatchObject({ code: 'producer_gap' })
  await proxy.close()
})
