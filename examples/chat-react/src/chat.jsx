import { useState } from 'react'
import { Message } from './message.jsx'

/** A conversation. Its tasks stand in the address, so that a reload or another tab shows it too. */
export function Chat() {
  const [taskIds, setTaskIds] = useState(() => location.hash.slice(1).split(',').filter(Boolean))

  async function ask(form) {
    const response = await fetch('/chat', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: form.get('prompt') }),
    })
    const { taskId } = await response.json()
    const all = [...taskIds, taskId]
    history.replaceState(null, '', `#${all.join(',')}`)
    setTaskIds(all)
  }

  return (
    <>
      <div id="messages" aria-live="polite">
        {taskIds.map((taskId) => (
          <Message key={taskId} taskId={taskId} />
        ))}
      </div>
      <form id="ask" action={ask}>
        <input name="prompt" id="prompt" placeholder="Ask something" autoComplete="off" required />
        <button type="submit">Send</button>
      </form>
    </>
  )
}
