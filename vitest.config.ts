import { defineConfig } from 'vitest/config'

/** Whole commands on a clock eight times as fast: they wait more than they compute, and beside much else their probes would be late. `npm run test:stories`. */
const stories = ['test/commands/{left-armed,story,interrupt,demo}.test.ts', 'test/cli/wizard.test.ts']

export default defineConfig({
  test: {
    testTimeout: 20_000,
    // What runs against the clock waits: one worker more than a small machine's two cores, and no more, or its probes are late.
    maxWorkers: 3,
    // No test mocks a module or leaves anything behind in its process: loading every library once per worker, not once per file, saves a third of the time.
    isolate: false,
    projects: [
      { extends: true, test: { name: 'parts', include: ['test/**/*.test.ts'], exclude: stories } },
      { extends: true, test: { name: 'stories', include: stories } },
    ],
  },
})
