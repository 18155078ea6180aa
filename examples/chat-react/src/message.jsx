import { useSeries, useTask } from '@taskcast/react'
import { Suspense, use } from 'react'

/** A question and its answer, as far as it is known. */
export function Message({ taskId }) {
  return (
    <Suspense>
      <Exchange taskId={taskId} />
    </Suspense>
  )
}

function Exchange({ taskId }) {
  const { baseUrl } = use(access(taskId))
  // The client asks for a token at first, and again whenever one has expired.
  const options = { baseUrl, token: async () => (await fresh(taskId)).token }
  const { task } = useTask(taskId, options)
  const { text, isDone, error, retrying } = useSeries(taskId, 'answer', options)
  const state = isDone ? 'done' : error ? 'failed' : retrying ? 'reconnecting' : 'streaming'
  return (
    <>
      <p className="question">{task?.params?.prompt}</p>
      <p className="answer" data-state={state} title={error?.message}>
        {text}
      </p>
    </>
  )
}

const addresses = new Map()

/** The same promise each time, as `use` asks for. */
function access(taskId) {
  if (!addresses.has(taskId)) addresses.set(taskId, fresh(taskId))
  return addresses.get(taskId)
}

async function fresh(taskId) {
  return (await fetch(`/access?task=${encodeURIComponent(taskId)}`)).json()
}
