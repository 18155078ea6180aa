// Fails when a package is larger than its budget: bundled, minified and gzipped, without its peers.

import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { root } from './published.mjs'

/** Bytes, of everything that a package exports. */
const budgets = { client: 8_000, react: 10_000 }

for (const [name, budget] of Object.entries(budgets)) {
  const size = await measure(name)
  console.log(`@taskcast/${name}: ${size} of ${budget} bytes, minified and gzipped`)
  if (size >= budget) {
    console.error(`@taskcast/${name} is over its budget; make it smaller`)
    process.exitCode = 1
  }
}

/** @param {string} name */
async function measure(name) {
  const result = await build({
    entryPoints: [`${root}${name}/src/index.ts`],
    alias: { '@taskcast/client': `${root}client/src/index.ts` },
    external: ['react'],
    jsx: 'automatic',
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  })
  const [file] = result.outputFiles
  if (file === undefined) throw new Error(`nothing was bundled for @taskcast/${name}`)
  return gzipSync(file.contents, { level: 9 }).length
}
