// The packages that are published, each after those it needs.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The root of the workspace, with a slash at its end. */
export const root = fileURLToPath(new URL('../', import.meta.url))

/** Folder names, in the order in which they are built. */
export const published = ['client', 'react', 'server-sdk'].filter((name) =>
  existsSync(`${root}${name}/package.json`),
)
