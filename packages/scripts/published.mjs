// The packages that are published, each after those it needs.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The root of the workspace, with a slash at its end. */
export const root = fileURLToPath(new URL('../', import.meta.url))

const asked = process.argv.slice(2)

/** Folder names, in the order in which they are built; of these the ones asked for as arguments. */
export const published = ['client', 'react', 'server-sdk']
  .filter((name) => existsSync(`${root}${name}/package.json`))
  .filter((name) => asked.length === 0 || asked.includes(name))
