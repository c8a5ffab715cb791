import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { HostEndpoint } from '../../src/calico/shapes.ts'
import { coverageOf } from '../../src/firewall/coverage.ts'
import { parseHostFirewall } from '../../src/firewall/firewall-file.ts'
import { makePlan } from '../../src/firewall/plan-maker.ts'
import { homeFacts } from '../fixtures/home-facts.ts'

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

it('names HostEndpoints of nodes that are gone', () => {
  expect(coverageOf(homeFacts({ nodes: 3 }), firewall, kept(5)).orphans).toEqual(['ws3.kryukov.local-ens160', 'ws4.kryukov.local-ens160'])
})
