// A worker: takes pending tasks of one type, one after another, and does them. Start as many as you
// like: of several that want the same task exactly one gets it.
//
//   node worker.mjs            goes on until it is told to stop (Ctrl-C)
//   node worker.mjs --once     does what there is, and ends

import { setTimeout as sleep } from 'node:timers/promises'
import { ConflictError, TaskcastServerClient } from '@taskcast/server-sdk'

const taskcast = new TaskcastServerClient({
  baseUrl: process.env.TASKCAST_URL ?? 'http://localhost:3721',
  token: process.env.TASKCAST_TOKEN,
})
const type = process.env.TASK_TYPE ?? 'count.words'
const once = process.argv.includes('--once')

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())

do {
  for await (const task of taskcast.listTasks({ status: 'pending', type })) {
    if (stop.signal.aborted) break
    if (await claim(task.id)) await work(task)
  }
  if (!once) await sleep(1_000, undefined, { signal: stop.signal }).catch(() => {})
} while (!once && !stop.signal.aborted)

/** @param {string} taskId */
async function claim(taskId) {
  try {
    await taskcast.transitionTask(taskId, 'running')
    return true
  } catch (error) {
    if (error instanceof ConflictError) return false
    throw error
  }
}

/** @param {import('@taskcast/server-sdk').Task} task */
async function work(task) {
  try {
    const text = String(task.params?.text ?? '')
    let words = 0
    const progress = taskcast.producer(task.id)
    for (const line of text.split('\n')) {
      words += line.split(/\s+/).filter(Boolean).length
      await progress.publish({
        type: 'progress',
        data: { words },
        seriesId: 'words',
        seriesMode: 'latest',
      })
    }
    await taskcast.complete(task.id, { words })
    console.log(`${task.id}: ${words} words`)
  } catch (error) {
    await taskcast.fail(task.id, /** @type {Error} */ (error))
  }
}
