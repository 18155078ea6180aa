// The types of the wire come from the server's own description of itself, kept in `openapi.json`.
//
//   node scripts/check-openapi.mjs            fails when the types do not fit the description, or
//                                             the description not the server (when one is built)
//   node scripts/check-openapi.mjs --write    takes both anew
//
// TASKCAST_BIN names the server; else one is looked for where cargo puts it.

import { readFileSync, writeFileSync } from 'node:fs'
import openapiTS, { astToString } from 'openapi-typescript'
import { findServer, startServer } from '../test-support/src/server.mjs'
import { root } from './published.mjs'

const description = `${root}openapi.json`
const types = `${root}client/src/wire.gen.ts`
const write = process.argv.includes('--write')

if (findServer() === undefined) {
  console.log('openapi.json is not compared with a server: none is built')
} else {
  settle(description, await fromServer(), 'the server')
}
settle(types, await generate(), 'openapi.json')

async function fromServer() {
  const server = await startServer()
  try {
    const answer = await fetch(`${server.url}/openapi.json`)
    return `${JSON.stringify(await answer.json(), null, 2)}\n`
  } finally {
    await server.stop()
  }
}

async function generate() {
  const { openapi, info, components } = JSON.parse(readFileSync(description, 'utf8'))
  const ast = await openapiTS(
    { openapi, info, paths: {}, components },
    { alphabetize: true, defaultNonNullable: false, emptyObjectsUnknown: true },
  )
  return `// Made by scripts/check-openapi.mjs from openapi.json. Do not edit.\n\n${astToString(ast)}`
}

/**
 * @param {string} file
 * @param {string} wanted
 * @param {string} source
 */
function settle(file, wanted, source) {
  const name = file.slice(root.length)
  if (write) {
    writeFileSync(file, wanted)
  } else if (readFileSync(file, 'utf8') !== wanted) {
    console.error(`${name} differs from ${source}: run \`node scripts/check-openapi.mjs --write\``)
    process.exitCode = 1
  }
}
