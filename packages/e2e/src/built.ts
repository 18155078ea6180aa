/** The packages as they are built, and copies of the examples that resolve them. */

import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The root of the repository, with a slash at its end. */
export const repository = fileURLToPath(new URL('../../../', import.meta.url))
/** The root of the workspace. */
export const workspace = `${repository}packages/`
/** What is called `dist` is left alone by git and by all checks. */
const work = `${workspace}e2e/dist/`

/** Fails with what to do when a package has to be built first. */
export function requireBuilt() {
  for (const name of ['client', 'react', 'server-sdk']) {
    const built = `${workspace}${name}/dist/index.js`
    if (!existsSync(built) || statSync(built).mtimeMs < newest(`${workspace}${name}/src`)) {
      throw new Error(
        `${name} is not built, or has changed since: run \`npm run build\` in packages`,
      )
    }
  }
}

function newest(folder: string): number {
  const names = readdirSync(folder, { recursive: true }) as string[]
  return Math.max(...names.map((name) => statSync(`${folder}/${name}`).mtimeMs))
}

/**
 * A new folder below the workspace, so that what is run there finds the packages as they are built.
 * Those of earlier runs go.
 */
export function workFolder(name: string): string {
  requireBuilt()
  mkdirSync(work, { recursive: true })
  for (const old of readdirSync(work)) {
    const age = Date.now() - statSync(`${work}${old}`).mtimeMs
    if (age > 600_000) rmSync(`${work}${old}`, { recursive: true, force: true })
  }
  return `${mkdtempSync(`${work}${name}-`)}/`
}

/** A copy of the examples. */
export function examples(): string {
  const folder = workFolder('examples')
  cpSync(`${repository}examples`, folder, {
    recursive: true,
    filter: (path) => !/\/(node_modules|dist|target)$/.test(path),
  })
  return folder
}
