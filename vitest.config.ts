import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    // Runs against the clock wait more than they compute: one worker more than a small machine's two cores, and no more, or their probes are late.
    maxWorkers: 3,
    // No test mocks a module or leaves anything behind in its process: loading every library once per worker, not once per file, saves a third of the time.
    isolate: false,
  },
})
