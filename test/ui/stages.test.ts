import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { gatedRollback } from '../../src/rollout/gated-rollback.ts'
import { addVipSteps, initSteps, isGatePolicy } from '../../src/rollout/init-steps.ts'
import { openingRollback } from '../../src/rollout/rollback-steps.ts'
import { folded, stageAt, stagesOf } from '../../src/ui/stages.ts'
import { homeFacts } from '../fixtures/home-facts.ts'

const home = parseHostFirewall(readFileSync(join(import.meta.dirname, '../../examples/home.yaml'), 'utf8'), 'home.yaml')
const plan = makePlan({ firewall: home, facts: homeFacts({ nodes: 3 }), change: 1, windowSeconds: 90 })
const config = { change: 2, windowSeconds: 90, maxLagMs: 5_000, maxQuestionMs: 600_000, openSet: plan.openSet, opened: false, isRollback: true }

it('cuts a rollout into what people wait for', () => {
  expect(stagesOf(initSteps(plan)).map(({ title }) => title)).toEqual([
    'Prepare',
    'Extend the failsafe ports',
    'Write sets and policies',
    'Arm the gate: from here on what closes opens by itself',
    'Close worker ws1.kryukov.local',
    'Close worker ws2.kryukov.local',
    'Close control-plane node control1.kryukov.local',
    'Keep it',
  ])
})

it('knows which of them close nodes', () => {
  expect(stagesOf(initSteps(plan)).flatMap(({ title, isBatch }) => (isBatch ? [title.split(' ').slice(0, 2).join(' ')] : []))).toEqual([
    'Close worker',
    'Close worker',
    'Close control-plane',
  ])
})

it('cuts add-vip and a rollback alike', () => {
  expect(stagesOf(addVipSteps(2, plan.policies, undefined, [])).map(({ title }) => title)).toEqual(['Prepare', 'Open it'])
  const images = plan.policies.map(({ apiVersion, kind, metadata }) => ({ ref: { apiVersion, kind, name: metadata.name }, before: null }))
  expect(stagesOf(openingRollback({ change: 2, to: 0, images, config })).map(({ title }) => title)).toEqual([
    'Prepare',
    'Open everything',
    'Put everything back',
    'Verify and clean up',
  ])
})

it('tells a rollback that closes again where it closes, and says nothing twice', () => {
  const hostEndpoints = plan.batches.flatMap((batch) => batch.hostEndpoints)
  const imageOf = ({ apiVersion, kind, metadata }: KubeObject) => ({ ref: { apiVersion, kind, name: metadata.name }, before: null })
  const gatePolicies = plan.policies.filter(isGatePolicy)
  const closed = { hostEndpoints, gatePolicies, gate: plan.gate, deny: plan.deny, egress: undefined, last: hostEndpoints.map(imageOf) }
  const images = [...plan.policies, ...hostEndpoints].map(imageOf)
  expect(stagesOf(gatedRollback({ change: 2, to: 1, images, config }, closed)).map(({ title }) => title)).toEqual([
    'Prepare',
    'Open everything',
    'Put everything back',
    'Prepare to close again',
    'Arm the gate: from here on what closes opens by itself',
    'Close again, on trial',
    'Keep it',
    'Write what stays',
    'Verify and clean up',
  ])
})

it('finds the stage of every step, in their order', () => {
  const steps = initSteps(plan)
  const stages = stagesOf(steps)
  const found = steps.map((_, at) => stageAt(stages, at))
  expect(found[0]).toBe(0)
  expect(found.at(-1)).toBe(stages.length - 1)
  expect(found.every((stage, at) => at === 0 || stage - (found[at - 1] ?? 0) <= 1)).toBe(true)
})

it.each([
  [24, 9],
  [12, 9],
  [8, 8],
  [3, 7],
])('on a screen with room for %i stages of 9 there are %i', (most, lines) => {
  const titles = ['Prepare', 'Write sets and policies', 'Arm the gate', ...['a', 'b', 'c', 'd', 'e'].map((node) => `Close ${node}`), 'Keep it']
  const all = titles.map((title, at) => ({ title, first: at * 5, ...(title.startsWith('Close ') ? { isBatch: true as const } : {}) }))
  const shown = folded(all, most)
  expect(shown).toHaveLength(lines)
  expect([shown[3]?.title, shown.at(-2)?.title]).toEqual(['Close a', 'Close e'])
  if (lines === 9) return
  const [merged] = shown.filter(({ title }) => title.includes('more batches'))
  expect(merged).toMatchObject({ title: `Close ${9 - lines + 1} more batches, one after the other`, first: 5 * (lines === 8 ? 5 : 4) })
  // Whatever step is at work stands in a stage that is shown.
  expect(all.map(({ first }) => shown[stageAt(shown, first)]?.title)).not.toContain(undefined)
})
