import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { mutations } from '../scripts/mutations.mjs'

// Found in review: seven of them changed code that had moved, and only a run of ten minutes would have told.
it('what `npm run mutate` changes is there, once', () => {
  const counted = mutations.map(({ file, find, why }) => [why, readFileSync(new URL(`../${file}`, import.meta.url), 'utf8').split(find).length - 1])
  expect(counted.filter(([, times]) => times !== 1)).toEqual([])
})
