// Builds every published package: JavaScript, types and source maps into its `dist`.

import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { published, root } from './published.mjs'

for (const name of published) {
  rmSync(`${root}${name}/dist`, { recursive: true, force: true })
  const tsc = `${root}node_modules/typescript/bin/tsc`
  execFileSync(process.execPath, [tsc, '-p', `${root}${name}`], { stdio: 'inherit' })
}
