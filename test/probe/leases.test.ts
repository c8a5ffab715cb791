import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { createLeaseWatch } from '../../src/probe/leases.ts'
import { objectApi } from '../fixtures/object-api.ts'
import { instantClock } from './instant-clock.ts'

const signal = new AbortController().signal
const timeoutMs = 1_000

/** A kubelet that renews every 10 s by a clock that is `aheadMs` before ours, until it dies. */
const kubelet =
  (clock: ReturnType<typeof instantClock>, node: string, { aheadMs = 0, diesAt = Number.POSITIVE_INFINITY, phase = 3_000 } = {}) =>
  (): KubeObject => {
    const alive = Math.min(clock.wall().getTime(), diesAt)
    const renewed = Math.floor((alive - phase) / 10_000) * 10_000 + phase
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: node, namespace: 'kube-node-lease' },
      spec: { renewTime: new Date(renewed + aheadMs).toISOString(), leaseDurationSeconds: 40 },
    }
  }

describe.each([0, 3_600_000, -3_600_000])('a node whose clock is %i ms ahead', (aheadMs) => {
  test('the first time a renewal must be seen, later a look is enough', async () => {
    const clock = instantClock()
    const watch = createLeaseWatch(
      objectApi(() => [kubelet(clock, 'ws1', { aheadMs })()]),
      clock,
    )
    const began = clock.now()
    expect((await watch.waitFresh({ nodes: ['ws1'], since: clock.wall(), timeoutMs, signal })).get('ws1')).toEqual({ outcome: 'ok' })
    expect(clock.now() - began).toBeLessThanOrEqual(11_000)
    const since = clock.wall()
    clock.advance(12_000)
    const second = clock.now()
    expect((await watch.waitFresh({ nodes: ['ws1'], since, timeoutMs, signal })).get('ws1')).toEqual({ outcome: 'ok' })
    expect(clock.now()).toBe(second)
  })

  test('a renewal from before the step does not count', async () => {
    const clock = instantClock()
    const dies = clock.wall().getTime() + 15_000
    const watch = createLeaseWatch(
      objectApi(() => [kubelet(clock, 'ws1', { aheadMs, diesAt: dies })()]),
      clock,
    )
    await watch.waitFresh({ nodes: ['ws1'], since: clock.wall(), timeoutMs, signal })
    clock.advance(10_000)
    const answer = (await watch.waitFresh({ nodes: ['ws1'], since: clock.wall(), timeoutMs, signal })).get('ws1')
    expect(answer).toEqual({ outcome: 'timeout', detail: 'Lease not renewed for 20 s' })
  })

  test('a node that is dead from the start is never fresh', async () => {
    const clock = instantClock()
    const diesAt = clock.wall().getTime() - 60_000
    const watch = createLeaseWatch(
      objectApi(() => [kubelet(clock, 'ws1', { aheadMs, diesAt })()]),
      clock,
    )
    for (let time = 0; time < 2; time++) {
      expect((await watch.waitFresh({ nodes: ['ws1'], since: clock.wall(), timeoutMs, signal })).get('ws1')?.outcome).toBe('timeout')
    }
  })
})

test('one list per look, however many nodes', async () => {
  const clock = instantClock()
  const nodes = Array.from({ length: 500 }, (_, index) => `ws${index}`)
  const api = objectApi(() => nodes.map((node, index) => kubelet(clock, node, { phase: index * 20 })()))
  const answers = await createLeaseWatch(api, clock).waitFresh({ nodes, since: clock.wall(), timeoutMs, signal })
  expect([...answers.values()].every(({ outcome }) => outcome === 'ok')).toBe(true)
  expect(api.calls.length).toBeLessThanOrEqual(12)
})

test('a missing Lease fails, a missing right is not run', async () => {
  const clock = instantClock()
  const question = { nodes: ['ws1'], since: clock.wall(), timeoutMs, signal }
  expect((await createLeaseWatch(objectApi([]), clock).waitFresh(question)).get('ws1')?.outcome).toBe('failed')
  expect((await createLeaseWatch(objectApi([], { forbidden: ['Lease'] }), clock).waitFresh(question)).get('ws1')).toEqual({
    outcome: 'not-run',
    detail: 'needs the right to list leases in kube-node-lease',
  })
})
