import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    // Most tests wait for sockets and terminals; one worker per core would leave the cores idle.
    maxWorkers: 3,
  },
})
