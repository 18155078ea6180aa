import { writeFileSync } from 'node:fs'
import { test } from 'vitest'
import { examples, workspace } from '../src/built.js'
import { run } from '../src/run.js'

test('the examples in Node are well typed', { timeout: 60_000 }, async () => {
  const folder = examples()
  writeFileSync(
    `${folder}tsconfig.json`,
    JSON.stringify({
      extends: `${workspace}tsconfig.base.json`,
      compilerOptions: {
        ...{ allowJs: true, checkJs: true, noEmit: true, types: ['node'] },
        noPropertyAccessFromIndexSignature: false,
      },
      include: ['backend-node', 'worker-script'],
    }),
  )
  await run(`${workspace}node_modules/.bin/tsc`, ['-p', '.'], { cwd: folder })
})
