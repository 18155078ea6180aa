/** What the tests of this package share. */

import { startServer } from '@taskcast/test-support'
import { afterAll, beforeAll } from 'vitest'
import { type NewEvent, TaskcastServerClient } from '../src/index.js'

/** How many events an exactly-once test publishes. */
export const COUNT = process.env['TASKCAST_TEST_COUNTS'] === 'full' ? 5_000 : 1_000

/** A server for all tests of a file, and a client of it. */
export function server(env: Record<string, string> = {}) {
  const held = {} as { url: string; client: TaskcastServerClient; stop: () => Promise<void> }
  beforeAll(async () => {
    const { url, stop } = await startServer({ env })
    Object.assign(held, { url, stop, client: new TaskcastServerClient({ baseUrl: url }) })
  })
  afterAll(() => held.stop())
  return held
}

/** Numbered events. */
export function* numbered(count: number): Generator<NewEvent> {
  for (let n = 0; n < count; n += 1) yield { type: 'n', data: n }
}

/** The same as a source. */
export async function* source(count: number): AsyncGenerator<NewEvent> {
  yield* numbered(count)
}

/** The data of a log. */
export async function dataOf(client: TaskcastServerClient, taskId: string): Promise<unknown[]> {
  const events = await client.getHistory(taskId, { includeStatus: false })
  return events.map(({ data }) => data)
}

/** 0, 1, 2, … */
export const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)
