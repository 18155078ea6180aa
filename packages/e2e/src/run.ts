/** Programs under way. */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Runs a program to its end and gives what it wrote; fails, with what it wrote, when it does. */
export async function run(
  program: string,
  args: string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<string> {
  const env = { ...process.env, ...options.env }
  try {
    const { stdout } = await execute(program, args, { cwd: options.cwd, env, maxBuffer: 1 << 26 })
    return stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}\n${stderr}`)
  }
}

/** A program that serves. */
export interface Running {
  /** What the pattern found in its output. */
  found: string
  stop(): Promise<void>
}

/** Starts a program and waits until it writes a line that fits; gives the first group. */
export async function start(
  program: string,
  args: string[],
  ready: RegExp,
  options: { cwd: string; env?: Record<string, string> },
): Promise<Running> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const found = await Promise.race([
    lineOf(child, ready),
    ended.then(([code]) => {
      throw new Error(`${program} ${args.join(' ')} ended with ${code} before it was ready`)
    }),
  ])
  child.stdout.resume()
  return {
    found,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function lineOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  if (child.stdout) {
    for await (const line of createInterface({ input: child.stdout })) {
      const found = pattern.exec(line)?.[1]
      if (found !== undefined) return found
    }
  }
  return new Promise(() => {})
}
