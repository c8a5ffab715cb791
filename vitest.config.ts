import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Whole commands against an accelerated clock, the longest first: they wait more than they compute. */
const waiting = ['left-armed', 'story', 'interrupt', 'demo', 'wizard']
const rank = ({ moduleId }: TestSpecification): number => waiting.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`))
/** Files between two of these: with so many, one of the long ones has about ended when the next begins, for their probes would be late beside each other. */
const between = 8

/**
 * Vitest begins with the largest files, which are not the longest: a minute of waiting would be left for the end, with nothing beside it. Here the long ones are
 * spread among the largest of the others, the longest first.
 */
class Spread extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const long = sorted.filter((file) => rank(file) >= 0).sort((one, other) => rank(one) - rank(other))
    const short = sorted.filter((file) => rank(file) < 0)
    return [...long.flatMap((file, at) => [file, ...short.slice(at * between, (at + 1) * between)]), ...short.slice(long.length * between)]
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    sequence: { sequencer: Spread },
    // Runs against the clock wait more than they compute: one worker more than a small machine's two cores, and no more, or their probes are late.
    maxWorkers: 3,
    // No test mocks a module or leaves anything behind in its process: loading every library once per worker, not once per file, saves a third of the time.
    isolate: false,
  },
})
