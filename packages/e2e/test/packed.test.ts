import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Server, startServer } from '@taskcast/test-support'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { requireBuilt, workspace } from '../src/built.js'
import { run } from '../src/run.js'

/** What is published, packed and installed into an empty project outside of the workspace. */
let project: string
let server: Server

const packages = ['client', 'react', 'server-sdk'].map((name) => `${workspace}${name}`)
const peers = ['react', 'react-dom', 'scheduler'].map((name) => `${workspace}node_modules/${name}`)

beforeAll(async () => {
  requireBuilt()
  project = `${mkdtempSync(join(tmpdir(), 'taskcast-packed-'))}/`
  writeFileSync(`${project}package.json`, '{ "private": true, "type": "module" }')
  const cwd = project
  const packed = await run('npm', ['pack', '--json', '--ignore-scripts', ...packages, ...peers], {
    cwd,
  })
  const tarballs = (JSON.parse(packed) as { filename: string }[]).map(
    ({ filename }) => `./${filename}`,
  )
  await run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', ...tarballs], { cwd })
  cpSync(new URL('../src/packed', import.meta.url), project, { recursive: true })
  server = await startServer()
}, 120_000)
afterAll(async () => {
  await server?.stop()
  if (project) rmSync(project, { recursive: true, force: true })
})

const env = () => ({ TASKCAST_URL: server.url })
const limit = { timeout: 60_000 }

/** What the program of the project says when all is well. */
const expected =
  'streaming: Hello, world! (3 events)\nbatches: Hello, world! (3 events)\nreact: <p></p>\n'

test('Node', limit, async () => {
  expect(await run(process.execPath, ['program.mjs'], { cwd: project, env: env() })).toBe(expected)
})

test('Bun', limit, async ({ skip }) => {
  const bun = `${workspace}node_modules/bun/bin/bun.exe`
  if (!existsSync(bun)) skip('bun is not installed')
  expect(await run(bun, ['program.mjs'], { cwd: project, env: env() })).toBe(expected)
})

test('a bundler', limit, async () => {
  const vite = `${workspace}node_modules/vite/bin/vite.js`
  await run(process.execPath, [vite, 'build', '--ssr', 'program.mjs'], { cwd: project })
  expect(await run(process.execPath, ['dist/program.js'], { cwd: project, env: env() })).toBe(
    expected,
  )
})

test.for(['NodeNext', 'bundler'])('the type checker, with %s', limit, async (resolution) => {
  const module = resolution === 'bundler' ? 'ESNext' : resolution
  writeFileSync(
    `${project}tsconfig.json`,
    JSON.stringify({
      compilerOptions: {
        module,
        moduleResolution: resolution,
        noEmit: true,
        strict: true,
        target: 'ES2022',
        lib: ['ES2022', 'DOM', 'DOM.AsyncIterable'],
        types: [],
      },
      files: ['types.ts'],
    }),
  )
  await run(`${workspace}node_modules/.bin/tsc`, ['-p', '.'], { cwd: project })
})

test('source maps lead to sources that are there', () => {
  for (const name of ['client', 'react', 'server-sdk']) {
    const folder = `${project}node_modules/@taskcast/${name}/dist/`
    const { sources } = JSON.parse(readFileSync(`${folder}index.js.map`, 'utf8'))
    for (const source of sources) expect(existsSync(join(folder, source))).toBe(true)
  }
})
