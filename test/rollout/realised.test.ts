import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import type { PerformContext } from '../../src/rollout/perform/context.ts'
import { seeRealised } from '../../src/rollout/perform/realised.ts'
import { settle } from '../../src/rollout/perform/settle.ts'
import type { Progress, Realised, RolloutPorts } from '../../src/rollout/ports.ts'
import { virtualClock } from '../../src/simulator/virtual-clock.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { objectApi } from '../fixtures/object-api.ts'

const object: KubeObject = { apiVersion: 'v1', kind: 'GlobalNetworkPolicy', metadata: { name: 'p' } }
const is = (state: Realised['state'], node = 'ws1'): Realised => ({ node, state, sentence: `${node} is ${state}` })

const set = (looks: (at: number) => readonly Realised[], ports: Partial<RolloutPorts> = {}) => {
  const clock = virtualClock()
  const begun = clock.now()
  const progress: Progress[] = []
  const facts = { ...homeFacts(), nodes: [] }
  const context = {
    ports: { clock, api: objectApi([]), report: (one: Progress) => progress.push(one), realised: async () => looks(clock.now() - begun), ...ports },
    memory: { baseline: [], since: clock.wall(), seen: new Map() },
    subject: { facts, probes: [] },
    signal: new AbortController().signal,
  } as unknown as PerformContext
  const took = async (work: Promise<void>) => {
    await clock.drive(work)
    return clock.now() - begun
  }
  return { context, progress, took, notes: () => progress.flatMap((one) => (one.kind === 'note' ? [one.text] : [])) }
}

describe('after a write', () => {
  test('what is seen at once is waited for no longer', async () => {
    const { context, took } = set(() => [is('programmed'), is('idle', 'ws2')])
    expect(await took(seeRealised(context, [object]))).toBe(0)
  })

  test('a node that lags is waited for', async () => {
    const { context, took, notes } = set((ms) => [is(ms < 1_500 ? 'behind' : 'programmed')])
    expect(await took(seeRealised(context, [object]))).toBe(1_500)
    expect(notes()).toEqual([])
  })

  test('what nothing shows is given the grace', async () => {
    const { context, took } = set(() => [is('idle')])
    expect(await took(seeRealised(context, [object]))).toBe(2_100)
  })

  test('a node nobody can look into is given the grace too, and told once', async () => {
    const { context, took, notes } = set(() => [is('programmed'), is('unseen', 'ws2')])
    expect(await took(seeRealised(context, [object]))).toBe(2_100)
    await took(seeRealised(context, [object]))
    expect(notes()).toEqual(['ws2 is unseen; Felix is given 2 s after each write, and the probes decide'])
  })

  test('without the port there is the grace alone', async () => {
    const { context, took } = set(() => [])
    const { realised: _, ...ports } = context.ports
    expect(await took(seeRealised({ ...context, ports }, [object]))).toBe(2_000)
  })

  test.each<[Realised['state'], number]>([
    ['stopped', 300],
    ['crashing', 300],
    ['down', 10_200],
    ['cut', 10_200],
    ['not-ready', 10_200],
    ['behind', 10_200],
  ])('a Felix that stays %s is named within ten seconds or so', async (state, ms) => {
    const { context, took } = set(() => [is('programmed', 'a'), is(state)])
    const clock = context.ports.clock
    const begun = clock.now()
    await expect(took(seeRealised(context, [object]))).rejects.toMatchObject({ code: 'FW_PREFLIGHT', message: `ws1 is ${state}` })
    expect(clock.now() - begun).toBe(ms)
  })

  test('the stuck one is named before the one that lags', async () => {
    const { context, took } = set(() => [is('behind', 'a'), is('cut')])
    await expect(took(seeRealised(context, [object]))).rejects.toMatchObject({ message: 'ws1 is cut', why: 'and 1 more: a' })
  })
})

describe('after a failsafe change', () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'calico-node-control1', namespace: 'calico-system', labels: { 'k8s-app': 'calico-node' } },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  }
  const withNodes = (context: PerformContext): PerformContext => ({
    ...context,
    subject: { ...context.subject, facts: { ...homeFacts(), nodes: homeFacts().nodes.slice(0, 1) } },
  })

  test('a pod that stays Ready over a stopped Felix does not pass', async () => {
    const { context, took } = set(() => [is('stopped')], { api: objectApi([pod]) })
    await expect(took(settle(withNodes(context), 'restart'))).rejects.toMatchObject({ message: 'ws1 is stopped' })
  })

  test('one that is well again passes', async () => {
    const { context, took } = set((ms) => [is(ms < 7_000 ? 'crashing' : 'idle')], { api: objectApi([pod]) })
    expect(await took(settle(withNodes(context), 'restart'))).toBeGreaterThanOrEqual(7_000)
  })
})
