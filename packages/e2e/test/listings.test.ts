import { existsSync } from 'node:fs'
import { TaskcastServerClient } from '@taskcast/server-sdk'
import { startServer } from '@taskcast/test-support'
import { expect, test } from 'vitest'
import { repository, workspace } from '../src/built.js'
import { listingsOf, programs } from '../src/listings.js'
import { guarded, token } from '../src/tokens.js'

const documents = {
  'the deployment guide': `${repository}../shared/mission/deployment-guide.md`,
  'the README of the server SDK': `${workspace}server-sdk/README.md`,
}

test.for(Object.entries(documents))(
  'the two listings of %s run as they are printed',
  { timeout: 60_000 },
  async ([, file], { skip }) => {
    if (!existsSync(file)) skip(`${file} is not beside this checkout`)
    const server = await startServer({ env: guarded })
    const { producer, consumer } = await programs(listingsOf(file), server.url)

    const said = await producer({ TASKCAST_TOKEN: token({ scope: ['*'] }) })
    const id = /^task: (\S+)$/m.exec(said)?.[1] ?? ''
    const userToken = token({ scope: ['event:subscribe'], taskIds: [id] })
    const heard = await consumer({ TASK_ID: id, USER_TOKEN: userToken })

    expect(heard).toContain("type: 'llm.delta'")
    expect(heard).toContain("data: { text: 'Hello!' }")
    expect(heard).toMatch(/^Done: completed$/m)
    const client = new TaskcastServerClient({ baseUrl: server.url, token: token({ scope: ['*'] }) })
    expect(await client.getTask(id)).toMatchObject({
      type: 'llm.chat',
      status: 'completed',
      params: { prompt: 'Hello' },
      result: { output: 'Hello!' },
    })
    await server.stop()
  },
)
