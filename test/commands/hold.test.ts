import { expect, it } from 'vitest'
import { createHold } from '../../src/commands/hold.ts'
import type { ProbeRunner } from '../../src/rollout/ports.ts'

// Found in review: a probe that was under way at Ctrl-C came back while the question stood, and the commit was written under it.
it('a probe that was under way when it was held up gives its results when it is let go, and not before', async () => {
  let finish = (): void => undefined
  const slow: ProbeRunner = {
    run: () =>
      new Promise((resolve) => {
        finish = () => resolve([{ id: 'a', outcome: 'ok' }])
      }),
  }
  const hold = createHold()
  let given = false
  const round = hold
    .prober(slow)
    .run([], { since: new Date(0), timeoutMs: 1 })
    .then((results) => {
      given = true
      return results
    })
  await Promise.resolve()
  hold.hold()
  finish()
  await new Promise((resolve) => setImmediate(resolve))
  expect(given).toBe(false)
  hold.release()
  expect(await round).toEqual([{ id: 'a', outcome: 'ok' }])
})
