import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    // Runs against the clock share the machine with proofs that compute: more workers than two cores have make them late.
    maxWorkers: 2,
  },
})
