import { cuttingProxy } from '@taskcast/test-support'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TaskcastServerClient } from '../src/index.js'
import { COUNT, dataOf, numbered, server, source, upTo } from './support.js'

/** Through a proxy that cuts every connection after 50 to 500 ms. */
const held = server()
let proxy: Awaited<ReturnType<typeof cuttingProxy>>
let cut: TaskcastServerClient

beforeAll(async () => {
  proxy = await cuttingProxy(held.url, { seed: 5, min: 50, max: 500 })
  cut = new TaskcastServerClient({ baseUrl: proxy.url })
})
afterAll(() => proxy.close())

async function check(publish: (taskId: string) => Promise<unknown>) {
  const { id } = await held.client.createTask()
  const before = proxy.connections
  await publish(id)
  expect(await dataOf(held.client, id)).toEqual(upTo(COUNT))
  expect(proxy.connections - before).toBeGreaterThan(1)
}

/** A source that goes on for some seconds, so that it is cut again and again. */
async function* paced() {
  for (const event of numbered(COUNT)) {
    yield event
    if ((event.data as number) % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const limit = { timeout: 120_000 }

test('one by one, each event is stored once and in order', limit, () =>
  check(async (id) => {
    for (const event of numbered(COUNT)) await cut.publishEvent(id, event)
  }),
)

test('by a producer whose calls overlap, each is stored once and in order', limit, () =>
  check(async (id) => {
    const producer = cut.producer(id)
    await Promise.all(Array.from(numbered(COUNT), (event) => producer.publish(event)))
  }),
)

test('by a pipe, each is stored once and in order', limit, () =>
  check((id) => cut.pipe(id, paced())),
)

test('by a pipe that sends batches, each is stored once and in order', limit, () =>
  check((id) => cut.pipe(id, paced(), { streaming: false })),
)

test('a pipe as fast as it can be loses nothing', limit, async () => {
  const { id } = await held.client.createTask()
  await cut.pipe(id, source(COUNT * 5))
  expect(await dataOf(held.client, id)).toEqual(upTo(COUNT * 5))
})
