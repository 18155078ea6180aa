import { TaskcastServerClient } from '@taskcast/server-sdk'
import { startServer } from '@taskcast/test-support'
import { expect, test } from 'vitest'
import { examples } from '../src/built.js'
import { run, start } from '../src/run.js'

test('several workers of the example do each task once, and tell how far they got', async () => {
  const server = await startServer()
  const client = new TaskcastServerClient({ baseUrl: server.url })
  const params = { text: 'to be\nor not to be' }
  for (let n = 0; n < 20; n += 1) {
    await client.createTask({ id: `words-${n}`, type: 'count.words', params })
  }
  await client.createTask({ id: 'other', type: 'something.else' })

  const options = { cwd: `${examples()}worker-script`, env: { TASKCAST_URL: server.url } }
  const work = () => run(process.execPath, ['worker.mjs', '--once'], options)
  const said = (await Promise.all([work(), work(), work()])).join('')

  const done = said.trim().split('\n').sort()
  expect(done).toEqual(Array.from({ length: 20 }, (_, n) => `words-${n}: 6 words`).sort())
  expect(await client.getTask('words-7')).toMatchObject({ result: { words: 6 } })
  const told = await client.getHistory('words-7', { types: ['progress'] })
  expect(told.at(-1)?.data).toEqual({ words: 6 })
  expect((await client.getTask('other')).status).toBe('pending')
  await server.stop()
})

test('a worker of the example goes on until it is told to stop', async () => {
  const server = await startServer()
  const client = new TaskcastServerClient({ baseUrl: server.url })
  await client.createTask({ id: 'a', type: 'count.words', params: { text: 'one' } })
  const worker = await start(process.execPath, ['worker.mjs'], /^a: (\d+) words/, {
    cwd: `${examples()}worker-script`,
    env: { TASKCAST_URL: server.url },
  })
  expect(worker.found).toBe('1')
  await worker.stop()
  await server.stop()
})
