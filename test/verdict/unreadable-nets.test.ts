import { expect, test } from 'vitest'
import type { EntityRule, GlobalNetworkPolicy, HostEndpoint } from '../../src/calico/shapes.ts'
import { decide } from '../../src/verdict/verdicts.ts'
import { worldOf } from '../../src/verdict/world.ts'
import { homeAddresses as at, homeFacts, nodeName } from '../fixtures/home-facts.ts'

const fateOf = (source: EntityRule) => {
  const endpoint: HostEndpoint = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'HostEndpoint',
    metadata: { name: 'h', labels: { a: 'b' } },
    spec: { node: nodeName('ws1'), interfaceName: 'ens160', expectedIPs: [at.ws1], profiles: [] },
  }
  const policy: GlobalNetworkPolicy = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'GlobalNetworkPolicy',
    metadata: { name: 'p' },
    spec: { selector: "a == 'b'", types: ['Ingress'], order: 1, ingress: [{ action: 'Allow', source }] },
  }
  const world = { ...worldOf(homeFacts()), hostEndpoints: [endpoint], policies: [policy] }
  return decide(world, { source: at.outsider, destination: at.ws1, protocol: 'TCP', port: 9100 }).action
}

// Found in review: Felix skips nets it cannot read, and a rule that had no other is one for everybody (libcalico-go updateprocessors, ConvertStringsToNets).
test.each<[EntityRule, 'allow' | 'deny']>([
  [{ nets: ['10.0.0.0/99'] }, 'allow'],
  [{ nets: ['010.1.2.3', 'example.com'] }, 'allow'],
  [{ nets: ['10.0.0.0/99', '192.0.2.0/24'] }, 'deny'],
  [{ nets: ['10.0.0.0/99', '203.0.113.0/24'] }, 'allow'],
  [{ notNets: ['10.0.0.0/99'] }, 'allow'],
  [{ notNets: ['10.0.0.0/99', '203.0.113.0/24'] }, 'deny'],
])('a rule from %j comes to %s', (source, expected) => {
  expect(fateOf(source)).toBe(expected)
})
