// Packs what would be published, looks it over, and uses it from an empty project: in Node, in a
// bundler, by the type checker, and in Bun and Deno where they are installed.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { published, root } from './published.mjs'

const folder = mkdtempSync(join(tmpdir(), 'taskcast-pack-'))
const bin = `${root}node_modules/.bin`
try {
  const tarballs = published.map(pack)
  for (const tarball of tarballs) {
    run(`${bin}/publint`, ['run', tarball, '--strict'])
    run(`${bin}/attw`, [tarball, '--profile', 'esm-only', '--no-emoji'])
  }
  install(tarballs)
  await use()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** @param {string} name */
function pack(name) {
  const text = run('npm', ['pack', `${root}${name}`, '--json', '--pack-destination', folder])
  const [packed] = JSON.parse(text)
  const files = packed.files.map((/** @type {{ path: string }} */ file) => file.path)
  for (const needed of ['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']) {
    if (!files.includes(needed)) throw new Error(`@taskcast/${name} lacks ${needed}`)
  }
  return join(folder, packed.filename)
}

/** @param {string[]} tarballs */
function install(tarballs) {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  // Nothing is fetched: the packages need nothing but each other, and React comes from the user.
  run('npm', ['install', '--offline', '--legacy-peer-deps', '--no-audit', '--no-fund', ...tarballs])
}

async function use() {
  const names = published.filter((name) => name !== 'react').map((name) => `@taskcast/${name}`)
  const imports = names.map((name, at) => `import * as p${at} from '${name}'`)
  const shown = `console.log(Object.keys({ ${names.map((_, at) => `...p${at}`).join(', ')} }).length)`
  const program = [...imports, shown].join('\n')
  writeFileSync(join(folder, 'use.mjs'), program)
  writeFileSync(join(folder, 'use.ts'), program)
  run(process.execPath, ['use.mjs'])
  run(`${bin}/tsc`, [
    ...['--noEmit', '--strict', '--lib', 'ES2022,DOM', '--target', 'ES2022'],
    ...['--module', 'NodeNext', '--exactOptionalPropertyTypes', 'use.ts'],
  ])
  writeFileSync(
    join(folder, 'app.mjs'),
    published.map((name) => `export * from '@taskcast/${name}'`).join('\n'),
  )
  const out = join(folder, 'bundle.mjs')
  await build({
    ...{ entryPoints: [join(folder, 'app.mjs')], outfile: out, bundle: true, format: 'esm' },
    external: ['react', 'react/jsx-runtime'],
    logLevel: 'error',
  })
  console.log(
    `node, types and a bundler take ${published.join(', ')}: ${readFileSync(out).length} bytes`,
  )
  for (const [runtime, args] of /** @type {const} */ ([
    ['bun', ['use.mjs']],
    ['deno', ['run', 'use.mjs']],
  ])) {
    if (isInstalled(runtime)) run(runtime, [...args])
    else console.log(`${runtime} is not installed, and was not tried`)
  }
}

/** @param {string} program */
function isInstalled(program) {
  const folders = (process.env['PATH'] ?? '').split(':')
  return folders.some((path) => {
    try {
      return readdirSync(path).includes(program)
    } catch {
      return false
    }
  })
}

/**
 * @param {string} program
 * @param {string[]} args
 */
function run(program, args) {
  return execFileSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
