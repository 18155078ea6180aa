import { type Answer, scripted } from '@taskcast/test-support'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Gap, GapError, TaskcastClient, type TaskcastError } from '../src/index.js'
import { delta, done, event, gap, opening, snapshot } from './frames.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Follows a script to its end, however long the pauses are. */
async function follow(answers: Answer[], options: { filter?: object; since?: object } = {}) {
  const script = scripted(answers)
  const client = new TaskcastClient({ baseUrl: 'http://server', fetch: script.fetch })
  const events: number[] = []
  const gaps: Gap[] = []
  const errors: TaskcastError[] = []
  const end = client.subscribe('t', {
    ...options,
    onEvent: (e) => events.push(e.rawIndex),
    onGap: (gap) => gaps.push(gap),
    onError: (error) => errors.push(error),
  })
  const reason = await patiently(end)
  return { ...script, events, gaps, errors, reason }
}

async function patiently<T>(promise: Promise<T>): Promise<T> {
  let settled = false
  const mark = () => {
    settled = true
  }
  promise.then(mark, mark)
  for (let turn = 0; !settled && turn < 100_000; turn += 1) await vi.advanceTimersByTimeAsync(100)
  return promise
}

test('a stream cut at any byte tells what an uncut one does', async () => {
  const frames = [
    opening,
    snapshot(3, 'Héllo'),
    event(4, { data: '🎉' }),
    ': hb\n\n',
    event(5),
    done,
  ]
  const whole = new TextEncoder().encode(frames.join(''))
  // What the server has for each cursor: the frames after it.
  const after = (cursor: string | null) => {
    const at = frames.findIndex((frame) => frame.endsWith(`\nid: ${cursor}\n\n`))
    return new TextEncoder().encode(opening + frames.slice(Math.max(at + 1, 1)).join(''))
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: whole.length }), { maxLength: 8 }),
      async (cuts) => {
        const seen: number[] = []
        let call = 0
        const fetch = async (_: unknown, init: RequestInit = {}) => {
          const rest = after(new Headers(init.headers).get('last-event-id'))
          const cut = cuts[call++]
          const answer: Answer =
            cut === undefined ? { pieces: [rest] } : { pieces: [rest.slice(0, cut)], ending: 'cut' }
          return scripted([answer]).fetch('http://server', init)
        }
        const client = new TaskcastClient({ baseUrl: 'http://server', fetch: fetch as never })
        await patiently(client.subscribe('t', { onEvent: (e) => seen.push(e.rawIndex) }))
        expect(seen).toEqual([3, 4, 5])
      },
    ),
    { numRuns: 60 },
  )
})

test('it comes back with the last id as it stands, and without since', async () => {
  const { calls, events } = await follow(
    [
      { pieces: [opening, event(7, {}, 'e7~'), event(8).slice(0, 30)], ending: 'cut' },
      { pieces: [opening, event(8), done] },
    ],
    { filter: { types: ['llm.*', 'x'], since: { index: 6 } } },
  )
  expect(events).toEqual([7, 8])
  expect(calls.map((call) => call.url.search)).toEqual([
    '?types=llm.*%2Cx&since.index=6',
    '?types=llm.*%2Cx',
  ])
  expect(calls.map((call) => call.headers.get('last-event-id'))).toEqual([null, 'e7~'])
})

test('cut before the first id, it asks as at first', async () => {
  const { calls } = await follow(
    [{ pieces: [opening], ending: 'cut' }, { pieces: [opening, done] }],
    {
      since: { id: 'e3' },
    },
  )
  expect(calls.map((call) => call.url.search)).toEqual(['?since.id=e3', '?since.id=e3'])
})

test('a block without data moves the cursor', async () => {
  const { calls } = await follow([
    { pieces: [opening, event(1), 'id: e40\n\n'], ending: 'cut' },
    { pieces: [opening, done] },
  ])
  expect(calls[1]?.headers.get('last-event-id')).toBe('e40')
})

test('an id that is no Latin text comes back as its UTF-8', async () => {
  const { calls } = await follow([
    { pieces: [opening, event(1, {}, 'é☃')], ending: 'cut' },
    { pieces: [opening, done] },
  ])
  const header = calls[1]?.headers.get('last-event-id') ?? ''
  expect(Buffer.from(header, 'latin1').toString('utf8')).toBe('é☃')
})

test('what comes after the end is not told, and the end is told once', async () => {
  const { events, reason, calls } = await follow([
    { pieces: [opening + event(1) + done + event(2)] },
  ])
  expect({ events, reason, calls: calls.length }).toEqual({
    events: [1],
    reason: 'completed',
    calls: 1,
  })
})

test('204 means that all was seen', async () => {
  const { reason, events } = await follow([new Response(null, { status: 204 })])
  expect({ reason, events }).toEqual({ reason: 'seen', events: [] })
})

test('a gap is told, and what exists follows', async () => {
  const { gaps, events } = await follow([{ pieces: [opening, gap, event(5), done] }])
  expect(gaps).toEqual([{ requested: 'e1', earliest: 5, reason: 'trimmed' }])
  expect(events).toEqual([5])
})

test('a loop over events that takes no gaps ends with one', async () => {
  const { fetch, calls } = scripted([
    { pieces: [opening, event(1), gap, event(5)], ending: 'hang' },
  ])
  const client = new TaskcastClient({ baseUrl: 'http://server', fetch })
  const seen: number[] = []
  const loop = async () => {
    for await (const e of client.events('t')) seen.push(e.rawIndex)
  }
  await expect(loop()).rejects.toThrow(GapError)
  expect(seen).toEqual([1])
  expect(calls[0]?.signal?.aborted).toBe(true)
})

test('leaving the loop closes the connection and leaves no timer', async () => {
  const { fetch, calls } = scripted([{ pieces: [opening, event(1), event(2)], ending: 'hang' }])
  const client = new TaskcastClient({ baseUrl: 'http://server', fetch })
  for await (const e of client.events('t')) if (e.rawIndex === 1) break
  expect(calls[0]?.signal?.aborted).toBe(true)
  expect(vi.getTimerCount()).toBe(0)
})

test('a series is whole each time, heals a character cut in two, and never shrinks', async () => {
  const { fetch } = scripted([
    { pieces: [opening, snapshot(3, 'Hi '), delta(4, '\ud83c')], ending: 'cut' },
    { pieces: [opening, delta(5, '\udf89!')], ending: 'cut' },
    { pieces: [opening, snapshot(9, 'Hi 🎉! And'), event(10), delta(11, ' so on'), done] },
  ])
  const client = new TaskcastClient({ baseUrl: 'http://server', fetch })
  const shown: string[] = []
  const loop = async () => {
    for await (const text of client.series('t', 'answer')) shown.push(text)
  }
  await patiently(loop())
  expect(shown).toEqual(['Hi ', 'Hi 🎉!', 'Hi 🎉! And', 'Hi 🎉! And so on'])
})
