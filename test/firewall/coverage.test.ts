import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { HostEndpoint } from '../../src/calico/shapes.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { coverageOf } from '../../src/firewall/plan/coverage.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { coverageSentences } from '../../src/ui/status-text.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { afterPlan } from './closed-facts.ts'

const firewall = parseHostFirewall(readFileSync(new URL('../../examples/home.yaml', import.meta.url), 'utf8'), 'home.yaml')
const kept = (nodes: 3 | 5) =>
  makePlan({ firewall, facts: homeFacts({ nodes }), change: 1, windowSeconds: 90 }).batches.flatMap(
    ({ hostEndpoints }) => hostEndpoints,
  ) as HostEndpoint[]

it('a firewall that covers every node leaves nothing to name but the failsafes', () => {
  expect(coverageOf(homeFacts({ nodes: 5 }), firewall, kept(5))).toMatchObject({ uncovered: [], unmatched: [], orphans: [] })
  expect(coverageOf(homeFacts({ nodes: 5 }), firewall, kept(5)).failsafes).toContain('22')
})

it('names the NICs of nodes that joined since', () => {
  expect(coverageOf(homeFacts({ nodes: 5 }), firewall, kept(3)).uncovered).toEqual([
    { node: 'ws3.kryukov.local', interfaceName: 'ens160' },
    { node: 'ws4.kryukov.local', interfaceName: 'ens160' },
  ])
})

it('says where the file limits what leaves and some kept run is not limited', () => {
  const limited = { ...firewall, spec: { ...firewall.spec, egress: [] } }
  const plan = makePlan({ firewall: limited, facts: homeFacts({ nodes: 3 }), change: 1, windowSeconds: 90 })
  const facts = afterPlan(homeFacts({ nodes: 3 }), plan)
  const egressOf = (of: Facts) => coverageOf(of, limited, kept(3)).egress
  expect(egressOf(facts)).toBe('as-written')
  expect(coverageOf(facts, firewall, kept(3)).egress).toBe('limited')
  expect(coverageSentences(coverageOf(facts, firewall, kept(3)))).toContain('let it out: kubectl calico-fw sync')
  expect(egressOf({ ...facts, policies: facts.policies.filter(({ metadata }) => metadata.name !== 'calico-fw-egress') })).toBe('unlimited')
  expect(egressOf({ ...facts, policies: facts.policies.map((one) => (one.metadata.name === 'calico-fw-deny' ? denyPolicy([1, 2]) : one)) })).toBe(
    'unlimited',
  )
  expect(coverageSentences(coverageOf({ ...facts, policies: [denyPolicy([1])] }, limited, kept(3)))).toContain(
    'limit it, on trial: kubectl calico-fw sync',
  )
})

it('names HostEndpoints of nodes that are gone', () => {
  expect(coverageOf(homeFacts({ nodes: 3 }), firewall, kept(5)).orphans).toEqual(['ws3.kryukov.local-ens160', 'ws4.kryukov.local-ens160'])
})
