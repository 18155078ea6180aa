/** Listings of documents, made into programs. */

import { readFileSync, writeFileSync } from 'node:fs'
import { workFolder, workspace } from './built.js'
import { run } from './run.js'

/** The two programs of a document: who produces and who consumes. */
export interface Listings {
  producer: string
  consumer: string
}

/** The first listings of a document that import the one package and the other. */
export function listingsOf(file: string): Listings {
  const blocks = [
    ...readFileSync(file, 'utf8').matchAll(/^```(?:ts|typescript)\b.*\n([\s\S]*?)^```/gm),
  ]
  const importing = (name: string) => {
    const found = blocks.find(([, code]) => code?.includes(`from '${name}'`))?.[1]
    if (found === undefined) throw new Error(`${file} has no listing that imports ${name}`)
    return found
  }
  return { producer: importing('@taskcast/server-sdk'), consumer: importing('@taskcast/client') }
}

/** What a listing leaves to its reader, and what the test wants to hear. */
const around = {
  producer: ['', "\nconsole.log('task:', task.id)\n"],
  consumer: [
    "const taskId = process.env['TASK_ID'] ?? ''\nconst userJwtToken = process.env['USER_TOKEN'] ?? ''\n",
    '',
  ],
} as const

/** Type-checks listings strictly, and gives functions that run them. */
export async function programs(listings: Listings, serverUrl: string) {
  const folder = workFolder('listings')
  const { compilerOptions } = JSON.parse(readFileSync(`${workspace}tsconfig.base.json`, 'utf8'))
  // What is said to unused names and to `process.env.NAME` is the style of this workspace, not of readers.
  const options = { noUnusedLocals: false, noPropertyAccessFromIndexSignature: false }
  writeFileSync(
    `${folder}tsconfig.json`,
    JSON.stringify({
      compilerOptions: {
        ...compilerOptions,
        ...options,
        types: ['node'],
        outDir: 'out',
        rootDir: '.',
      },
    }),
  )
  writeFileSync(`${folder}package.json`, '{ "type": "module" }')
  for (const name of ['producer', 'consumer'] as const) {
    const code = listings[name].replaceAll('http://taskcast-service:3721', serverUrl)
    writeFileSync(`${folder}${name}.ts`, around[name].join(code))
  }
  await run(`${workspace}node_modules/.bin/tsc`, ['-p', folder], { cwd: folder })
  const start = (name: string) => (env: Record<string, string>) =>
    run(process.execPath, [`out/${name}.js`], { cwd: folder, env })
  return { producer: start('producer'), consumer: start('consumer') }
}
