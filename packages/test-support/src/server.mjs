// Starts a real Taskcast server.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const repository = resolve(fileURLToPath(import.meta.url), '../../../..')

/**
 * The newest server that is built: TASKCAST_BIN, else what cargo made.
 * @returns {string | undefined}
 */
export function findServer() {
  const named = process.env['TASKCAST_BIN']
  if (named) return named
  const target = process.env['CARGO_TARGET_DIR'] ?? `${repository}/target`
  return ['debug', 'release']
    .map((profile) => `${target}/${profile}/taskcast`)
    .filter((path) => existsSync(path))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0]
}

/**
 * @typedef {object} ServerOptions
 * @property {'memory' | 'sqlite'} [storage] Memory where not given.
 * @property {string} [database] The file of sqlite.
 * @property {number} [port] Any free one where not given.
 * @property {Record<string, string>} [env] Settings, as TASKCAST_* variables.
 *
 * @typedef {object} Server
 * @property {string} url
 * @property {number} port
 * @property {number} pid
 * @property {(signal?: NodeJS.Signals) => Promise<void>} stop Ends it, and waits until it has ended.
 */

/**
 * Starts a server and waits until it listens.
 * @param {ServerOptions} [options]
 * @returns {Promise<Server>}
 */
export async function startServer(options = {}) {
  const binary = findServer()
  if (binary === undefined) {
    throw new Error('no server is built: run `cargo build -p taskcast-cli`, or set TASKCAST_BIN')
  }
  const args = ['start', '--port', String(options.port ?? 0)]
  args.push('--storage', options.storage ?? 'memory')
  if (options.database) args.push('--db-path', options.database)
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env }
  const child = spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  let errors = ''
  child.stderr.on('data', (text) => {
    errors = (errors + text).slice(-10_000)
  })
  const url = await Promise.race([
    listening(child.stdout),
    ended.then(([code]) => {
      throw new Error(`the server ended with ${code} before it listened:\n${errors}`)
    }),
  ])
  child.stdout.resume()
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid ?? 0,
    async stop(signal = 'SIGKILL') {
      child.kill(signal)
      await ended
    },
  }
}

/**
 * @param {import('node:stream').Readable} output
 * @returns {Promise<string>}
 */
async function listening(output) {
  for await (const line of createInterface({ input: output })) {
    const url = /^Taskcast is listening on (http:\S+)/.exec(line)?.[1]
    if (url !== undefined) return url
  }
  return new Promise(() => {})
}
