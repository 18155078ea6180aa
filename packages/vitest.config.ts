import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Tests run on the sources of every package: nothing has to be built first. */
const sources = fileURLToPath(new URL('./$1/src/index.ts', import.meta.url))

export default defineConfig({
  resolve: { alias: [{ find: /^@taskcast\/([\w-]+)$/, replacement: sources }] },
  test: {
    include: ['*/test/**/*.test.{ts,tsx}'],
    maxWorkers: 2,
    testTimeout: 20_000,
    unstubGlobals: true,
    restoreMocks: true,
  },
})
