// @vitest-environment happy-dom

import { type DoneReason, GoneError, TaskcastClient } from '@taskcast/client'
import { type Answer, scripted } from '@taskcast/test-support'
import { act, cleanup, renderHook, waitFor } from '@testing-library/react'
import { StrictMode } from 'react'
import { renderToString } from 'react-dom/server'
import { afterEach, expect, test, vi } from 'vitest'
import { delta, done, event, gap, opening, snapshot } from '../../client/test/frames.js'
import { TaskcastProvider, useSeries, useTask, useTaskEvents } from '../src/index.js'

afterEach(cleanup)

function clientOf(answers: Answer[]) {
  const script = scripted(answers)
  const client = new TaskcastClient({ baseUrl: 'http://server', fetch: script.fetch })
  return { client, calls: script.calls }
}

const open = (calls: { signal: AbortSignal | undefined }[]) =>
  calls.filter((call) => !call.signal?.aborted).length

test('events come to the component, and the end', async () => {
  const { client } = clientOf([{ pieces: [opening, event(0), gap, event(1), done] }])
  const { result } = renderHook(() => useTaskEvents('t', { client }))
  await waitFor(() => expect(result.current.isDone).toBe(true))
  expect(result.current.events.map((e) => e.rawIndex)).toEqual([0, 1])
  expect(result.current).toMatchObject({
    doneReason: 'completed' satisfies DoneReason,
    error: null,
    gap: { reason: 'trimmed' },
  })
})

test('of many events the newest are kept', async () => {
  const { client } = clientOf([{ pieces: [opening, event(0), event(1), event(2), done] }])
  const { result } = renderHook(() => useTaskEvents('t', { client, keep: 2 }))
  await waitFor(() => expect(result.current.isDone).toBe(true))
  expect(result.current.events.map((e) => e.rawIndex)).toEqual([1, 2])
})

test('options written anew at each render start nothing anew', async () => {
  const { fetch, calls } = scripted([{ pieces: [opening, event(0)], ending: 'hang' }])
  const { result, rerender } = renderHook(
    ({ token }) =>
      useTaskEvents('t', {
        baseUrl: 'http://server',
        token: () => token,
        fetch: (...request) => fetch(...request),
        filter: { types: ['x'] },
      }),
    { initialProps: { token: 'one' } },
  )
  await waitFor(() => expect(result.current.events).toHaveLength(1))
  rerender({ token: 'two' })
  await waitFor(() => expect(result.current.events).toHaveLength(1))
  expect(calls).toHaveLength(1)
})

test('another task begins with nothing, and the connection to the first is closed', async () => {
  const { client, calls } = clientOf([{ pieces: [opening, event(0)], ending: 'hang' }])
  const { result, rerender } = renderHook(({ id }) => useTaskEvents(id, { client }), {
    initialProps: { id: 'one' },
  })
  await waitFor(() => expect(result.current.events).toHaveLength(1))
  rerender({ id: 'two' })
  expect(result.current.events).toEqual([])
  expect(calls[0]?.signal?.aborted).toBe(true)
  await waitFor(() => expect(calls[1]?.url.pathname).toBe('/tasks/two/events'))
})

test('unmounting closes the connection', async () => {
  const { client, calls } = clientOf([{ pieces: [opening], ending: 'hang' }])
  const { unmount } = renderHook(() => useTaskEvents('t', { client }))
  await waitFor(() => expect(open(calls)).toBe(1))
  unmount()
  expect(open(calls)).toBe(0)
})

test('StrictMode leaves one connection and repeats nothing', async () => {
  const { client, calls } = clientOf([{ pieces: [opening, event(0), event(1)], ending: 'hang' }])
  const { result } = renderHook(() => useTaskEvents('t', { client }), { wrapper: StrictMode })
  await waitFor(() => expect(result.current.events).toHaveLength(2))
  expect(open(calls)).toBe(1)
})

test('a hook that is not enabled, or has no task, asks for nothing', async () => {
  const { client, calls } = clientOf([{ pieces: [opening], ending: 'hang' }])
  renderHook(() => useTaskEvents('t', { client, enabled: false }))
  renderHook(() => useSeries(undefined, 's', { client }))
  await act(() => new Promise((resolve) => setTimeout(resolve, 5)))
  expect(calls).toEqual([])
})

test('a series is rendered at most once a frame, and ends whole', async () => {
  const frames: FrameRequestCallback[] = []
  vi.stubGlobal('requestAnimationFrame', (draw: FrameRequestCallback) => frames.push(draw))
  vi.stubGlobal('cancelAnimationFrame', () => {})
  const parts = Array.from({ length: 20 }, (_, n) => delta(n + 1, `${n} `))
  const { client } = clientOf([{ pieces: [opening, snapshot(0, 'Go: '), ...parts, done] }])
  let renders = 0
  const { result } = renderHook(() => {
    renders += 1
    return useSeries('t', 'answer', { client })
  })
  await act(() => new Promise((resolve) => setTimeout(resolve, 50)))
  expect({ renders, frames: frames.length }).toEqual({ renders: 1, frames: 1 })
  act(() => frames[0]?.(0))
  expect(renders).toBe(2)
  expect(result.current).toMatchObject({
    text: `Go: ${Array.from({ length: 20 }, (_, n) => `${n} `).join('')}`,
    isDone: true,
  })
})

test('where no frame is drawn, a hidden tab for one, the state moves on all the same', async () => {
  vi.stubGlobal('requestAnimationFrame', () => 1)
  const { client } = clientOf([{ pieces: [opening, delta(0, 'x'), done] }])
  const { result } = renderHook(() => useSeries('t', 'answer', { client }))
  await waitFor(() => expect(result.current).toMatchObject({ text: 'x', isDone: true }))
})

test('a failure in between is told as such and leaves the text alone', async () => {
  const { client } = clientOf([
    { pieces: [opening.replace('2000', '20'), delta(0, 'Hello')], ending: 'cut' },
    { pieces: [opening, delta(1, '!'), done] },
  ])
  const seen: string[] = []
  const { result } = renderHook(() => {
    const state = useSeries('t', 'answer', { client })
    seen.push(`${state.text}${state.retrying ? ' (retrying)' : ''}`)
    return state
  })
  await waitFor(() => expect(result.current.isDone).toBe(true))
  expect(result.current).toMatchObject({ text: 'Hello!', retrying: null })
  expect(seen.every((text, at) => at === 0 || text.startsWith('Hello') || text === '')).toBe(true)
})

test('a failure for good is told as an error', async () => {
  const { client } = clientOf([new Response('{"error":"Task not found"}', { status: 404 })])
  const { result } = renderHook(() => useTask('t', { client }))
  await waitFor(() => expect(result.current.error).toBeInstanceOf(GoneError))
})

test('a task is read at first, when its status changes, and at its end', async () => {
  let reads = 0
  const { fetch } = scripted([{ pieces: [opening, event(0), done] }])
  const client = new TaskcastClient({
    baseUrl: 'http://server',
    fetch: async (input, init) => {
      if (String(input).includes('/events')) return fetch(input, init)
      reads += 1
      const status = reads < 2 ? 'running' : 'completed'
      return Response.json({ id: 't', status, createdAt: 1, updatedAt: reads })
    },
  })
  const { result } = renderHook(() => useTask('t'), {
    wrapper: ({ children }) => <TaskcastProvider client={client}>{children}</TaskcastProvider>,
  })
  await waitFor(() => expect(result.current.isDone).toBe(true))
  expect(result.current.task).toMatchObject({ status: 'completed' })
})

test('a server renders the beginning and connects nowhere', () => {
  const { client, calls } = clientOf([new Error('never')])
  const page = (
    <TaskcastProvider client={client}>
      <Page />
    </TaskcastProvider>
  )
  expect(renderToString(page)).toBe('<p>[&quot;&quot;,false,0,null]</p>')
  expect(calls).toEqual([])
})

function Page() {
  const { text, isDone } = useSeries('t', 'answer')
  const { events } = useTaskEvents('t')
  const { task } = useTask('t')
  return <p>{JSON.stringify([text, isDone, events.length, task])}</p>
}

test('a hook without a client says what to do', () => {
  vi.spyOn(console, 'error').mockImplementation(() => {})
  expect(() => renderHook(() => useTask('t'))).toThrow('no Taskcast client')
})
