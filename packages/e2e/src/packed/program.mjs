// Uses everything that is published, from a project that has nothing else.

import { TaskcastClient } from '@taskcast/client'
import { useSeries } from '@taskcast/react'
import { fromOpenAI, TaskcastServerClient } from '@taskcast/server-sdk'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'

const baseUrl = String(process.env['TASKCAST_URL'])
const taskcast = new TaskcastServerClient({ baseUrl })
const client = new TaskcastClient({ baseUrl })

async function* model() {
  for (const content of ['Hello', ', ', 'world!']) yield { choices: [{ delta: { content } }] }
}

for (const streaming of [true, false]) {
  const { id } = await taskcast.createTask({ type: 'llm.chat' })
  const { events } = await taskcast.pipe(id, fromOpenAI(model()), { series: 'answer', streaming })
  await taskcast.complete(id)
  let shown = ''
  for await (const text of client.series(id, 'answer')) shown = text
  console.log(`${streaming ? 'streaming' : 'batches'}: ${shown} (${events} events)`)
}

function Answer() {
  return createElement('p', null, useSeries('t', 'answer', { baseUrl }).text)
}
console.log(`react: ${renderToString(createElement(Answer))}`)
