import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { StreamStore, type Update } from '../src/store.js'

interface State {
  seen: string
  trouble: boolean
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A store whose runs are driven by hand. */
function store() {
  const runs: { update: Update<State>; signal: AbortSignal }[] = []
  const store = new StreamStore<State>({ seen: '', trouble: false }, async (update, signal) => {
    runs.push({ update, signal })
  })
  return { store, runs }
}

const see = (what: string) => (state: State) => ({ ...state, seen: state.seen + what })
const trouble = (state: State) => ({ ...state, trouble: true })

test('listened to anew, it shows what it had until there is something newer', () => {
  const { store: it, runs } = store()
  const leave = it.subscribe(() => {})
  runs[0]?.update(see('old'))
  vi.runAllTimers()
  leave()
  expect(runs[0]?.signal.aborted).toBe(true)

  it.subscribe(() => {})
  expect(it.getSnapshot().seen).toBe('old')
  runs[1]?.update(trouble, 'note')
  vi.runAllTimers()
  expect(it.getSnapshot()).toEqual({ seen: 'old', trouble: true })
  runs[1]?.update(see('new'))
  runs[1]?.update(see('er'))
  vi.runAllTimers()
  expect(it.getSnapshot()).toEqual({ seen: 'newer', trouble: false })
})

test('what a run that was left says afterwards is not heard', () => {
  const { store: it, runs } = store()
  const heard = vi.fn()
  const leave = it.subscribe(heard)
  runs[0]?.update(see('early'))
  leave()
  runs[0]?.update(see('late'))
  vi.runAllTimers()
  expect(heard).not.toHaveBeenCalled()
  expect(it.getSnapshot().seen).toBe('')
})

test('a server sees the beginning', () => {
  const { store: it, runs } = store()
  expect(it.getServerSnapshot()).toEqual({ seen: '', trouble: false })
  expect(runs).toEqual([])
})
