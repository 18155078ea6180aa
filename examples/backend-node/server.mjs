// A chat backend: it creates a task for each question and pipes the tokens of a model into it. The
// browser follows the task at the Taskcast server, not here: this process may restart, the page may
// reload, and nothing of an answer is lost.
//
//   POST /chat {"prompt": "…"}     → {"taskId": "…"}
//   GET  /access?task=…            → {"baseUrl": "…", "token": "…"}
//   GET  /…                          the chat page

import { createReadStream, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TaskcastServerClient } from '@taskcast/server-sdk'
import { tokenForBackend, tokenForReader } from './access.mjs'
import { generate } from './model.mjs'

const { env } = process
const taskcastUrl = env.TASKCAST_URL ?? 'http://localhost:3721'
/** Where browsers reach the server; it may be another address than ours. */
const publicUrl = env.TASKCAST_PUBLIC_URL ?? taskcastUrl
const secret = env.TASKCAST_JWT_SECRET
const tokenSeconds = Number(env.TOKEN_SECONDS ?? 600)
const page = env.CHAT_PAGE ?? fileURLToPath(new URL('../chat-html', import.meta.url))
const pace = { tokens: Number(env.MODEL_TOKENS ?? 200), delay: Number(env.MODEL_DELAY ?? 25) }

const taskcast = new TaskcastServerClient({
  baseUrl: taskcastUrl,
  token: secret ? () => tokenForBackend(secret) : env.TASKCAST_TOKEN,
})

/** @param {string} prompt */
async function ask(prompt) {
  const task = await taskcast.createTask({ type: 'llm.chat', params: { prompt } })
  void answer(task.id, prompt)
  return { taskId: task.id }
}

/**
 * @param {string} taskId
 * @param {string} prompt
 */
async function answer(taskId, prompt) {
  try {
    await taskcast.transitionTask(taskId, 'running')
    await taskcast.pipe(taskId, generate(prompt, pace), { series: 'answer' })
    await taskcast.complete(taskId)
  } catch (error) {
    console.error(`task ${taskId}:`, error)
    await taskcast.fail(taskId, /** @type {Error} */ (error)).catch(() => {})
  }
}

/** @param {string} taskId */
function access(taskId) {
  // Here a real backend looks whether this user may see this task.
  return {
    baseUrl: publicUrl,
    ...(secret && { token: tokenForReader(secret, taskId, tokenSeconds) }),
  }
}

const types = /** @type {Record<string, string>} */ ({
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.map': 'application/json',
})

/** Where the browser finds the built client, so that the page needs no bundler. */
const client = fileURLToPath(new URL('.', import.meta.resolve('@taskcast/client')))

/** @param {string} path */
function fileFor(path) {
  const wanted = normalize(path.endsWith('/') ? `${path}index.html` : path)
  const modules = '/modules/@taskcast/client/'
  return wanted.startsWith(modules)
    ? join(client, wanted.slice(modules.length))
    : join(page, wanted)
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost')
  try {
    if (request.method === 'POST' && url.pathname === '/chat') {
      const { prompt } = JSON.parse(await read(request))
      json(201, await ask(String(prompt)))
    } else if (url.pathname === '/access') {
      json(200, access(url.searchParams.get('task') ?? ''))
    } else {
      sendFile(fileFor(url.pathname))
    }
  } catch (error) {
    json(500, { error: /** @type {Error} */ (error).message })
  }

  /**
   * @param {number} status
   * @param {object} body
   */
  function json(status, body) {
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(JSON.stringify(body))
  }

  /** @param {string} file */
  function sendFile(file) {
    const type = types[extname(file)]
    if (type === undefined || !existsSync(file)) return json(404, { error: 'no such page' })
    response.writeHead(200, { 'content-type': type })
    createReadStream(file).pipe(response)
  }
})

/** @param {AsyncIterable<Buffer>} body */
async function read(body) {
  const pieces = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

server.listen(Number(env.PORT ?? 8080), 'localhost', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`The chat is at http://localhost:${address.port}`)
})
