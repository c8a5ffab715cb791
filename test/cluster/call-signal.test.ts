import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { awakeTimer, callSignal } from '../../src/cluster/transport/call-signal.ts'

it('ends with its time or with the outer signal, with the reason of whichever came first', async () => {
  const late = callSignal(0.4, undefined)
  await new Promise((resolve) => late.signal.addEventListener('abort', resolve))
  expect(late.signal.reason).toMatchObject({ name: 'TimeoutError' })
  const outer = new AbortController()
  const inner = callSignal(60_000, outer.signal)
  outer.abort(new Error('enough'))
  expect(inner.signal.reason).toEqual(new Error('enough'))
  inner.release()
  expect(callSignal(60_000, outer.signal)).toMatchObject({ signal: { aborted: true } })
})

it('may be asked for a hundred times at once without a warning', async () => {
  const warnings: Error[] = []
  const listen = (warning: Error) => warnings.push(warning)
  process.on('warning', listen)
  const outer = new AbortController()
  const calls = Array.from({ length: 100 }, () => callSignal(60_000, outer.signal))
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', listen)
  for (const { release } of calls) release()
  expect(warnings).toEqual([])
})

it('leaves nothing behind in a signal that lives on', () => {
  const outer = new AbortController()
  for (let call = 0; call < 5; call++) callSignal(60_000, outer.signal).release()
  expect(getEventListeners(outer.signal, 'abort')).toEqual([])
})

it('counts no time in which the process could hear nothing', async () => {
  const began = performance.now()
  const told: string[] = []
  const heard = new Promise<void>((resolve) =>
    awakeTimer(200, () => {
      told.push('the time is over')
      resolve()
    }),
  )
  // Nobody reads a socket meanwhile.
  while (performance.now() - began < 600);
  setImmediate(() => told.push('an answer is read'))
  await heard
  expect(told).toEqual(['an answer is read', 'the time is over'])
  expect(performance.now() - began).toBeGreaterThan(690)
})

it('ends when its time is over, and not when it was told to forget it', async () => {
  const began = performance.now()
  const forget = awakeTimer(20, () => expect.unreachable())
  forget()
  await new Promise<void>((resolve) => awakeTimer(120, resolve))
  expect(performance.now() - began).toBeGreaterThanOrEqual(119)
})
