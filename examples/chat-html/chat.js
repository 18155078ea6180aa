// A chat without a framework. The tasks of the page stand in its address, so that a reload, another
// tab or another device shows the same conversation, finished or under way.

import { TaskcastClient } from '@taskcast/client'

const messages = document.querySelector('#messages')
const form = document.querySelector('#ask')
const prompt = document.querySelector('#prompt')

const taskIds = () => location.hash.slice(1).split(',').filter(Boolean)

for (const taskId of taskIds()) show(taskId)

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const answer = await fetch('/chat', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: prompt.value }),
  })
  const { taskId } = await answer.json()
  prompt.value = ''
  history.replaceState(null, '', `#${[...taskIds(), taskId].join(',')}`)
  show(taskId)
})

async function show(taskId) {
  const question = append('question')
  const answer = append('answer')
  const text = answer.appendChild(new Text())
  const { baseUrl } = await access(taskId)
  // The client asks for a token at first, and again whenever one has expired.
  const client = new TaskcastClient({ baseUrl, token: async () => (await access(taskId)).token })
  try {
    question.textContent = (await client.getTask(taskId)).params.prompt
    const onOpen = () => state('streaming')
    const onError = () => state('reconnecting')
    for await (const whole of client.series(taskId, 'answer', { onOpen, onError })) {
      text.data = whole
    }
    state('done')
  } catch (error) {
    state('failed')
    answer.title = error.message
  }

  function state(word) {
    answer.dataset.state = word
  }
}

async function access(taskId) {
  return (await fetch(`/access?task=${encodeURIComponent(taskId)}`)).json()
}

function append(name) {
  const element = messages.appendChild(document.createElement('p'))
  element.className = name
  return element
}
