import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Whole commands, against an accelerated clock: they take longest, and wait more than they compute. */
const waits = ({ moduleId }: TestSpecification): boolean => /\/test\/(commands|cli)\//.test(moduleId)

/** Vitest begins with the largest files, which are not the longest: a minute of waiting would be left for the end, with nothing beside it. */
class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return [...sorted.filter(waits), ...sorted.filter((file) => !waits(file))]
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    sequence: { sequencer: WaitingFirst },
    // Runs against the clock wait more than they compute: one worker more than a small machine's two cores, and no more, or their probes are late.
    maxWorkers: 3,
    // No test mocks a module or leaves anything behind in its process: loading every library once per worker, not once per file, saves a third of the time.
    isolate: false,
  },
})
