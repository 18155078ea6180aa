// What users write, for the type checker only.

import { TaskcastClient } from '@taskcast/client'
import { type Task, TaskcastServerClient } from '@taskcast/server-sdk'

const taskcast = new TaskcastServerClient({
  baseUrl: 'http://localhost:3721',
  token: () => 'token',
})

export async function words(): Promise<string[]> {
  const found: string[] = []
  for await (const task of taskcast.listTasks({ status: 'running' })) found.push(title(task))
  return found
}

function title(task: Task): string {
  return `${task.id} ${String(task.result ?? task.params?.['prompt'])}`
}

export async function follow(taskId: string): Promise<string> {
  const client = new TaskcastClient({ baseUrl: 'http://localhost:3721' })
  await client.subscribe(taskId, { onEvent: (event) => void event.filteredIndex })
  await client.subscribe(taskId, { filter: { wrap: false }, onEvent: (event) => void event.index })
  const stop = taskcast.subscribe(taskId, (event) => void event.index)
  stop()
  return client.subscribe(taskId, { onEvent: () => {} })
}
