import { describe, expect, test } from 'vitest'
import { discover } from '../../src/discovery/discover.ts'
import { formatFacts, parseFacts } from '../../src/discovery/facts-file.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { clusterApi, homeCluster, homeContext } from './home-cluster.ts'

describe('facts as a file', () => {
  test('what was saved is what is loaded', async () => {
    for (const facts of [homeFacts(), homeFacts({ nodes: 3 }), await discover(clusterApi(homeCluster), homeContext())]) {
      expect(parseFacts(formatFacts(facts))).toEqual(facts)
      expect(formatFacts(parseFacts(formatFacts(facts)))).toBe(formatFacts(facts))
    }
  })

  test('fields of Calico’s objects that we do not know are kept', () => {
    const facts = homeFacts()
    const odd = { ...facts, policies: [{ apiVersion: 'v', kind: 'k', metadata: { name: 'n', selfLink: '/x' }, spec: { future: [1] }, more: true }] }
    expect(JSON.parse(formatFacts(parseFacts(JSON.stringify(odd)))).policies).toEqual(odd.policies)
  })

  test.each<[string, (facts: Record<string, unknown>) => unknown, string]>([
    ['another kind', (facts) => ({ ...facts, kind: 'HostFirewall' }), 'kind'],
    ['another version', (facts) => ({ ...facts, apiVersion: 'calico-fw.github.io/v2' }), 'apiVersion'],
    ['a missing list', ({ nodes: _, ...facts }) => facts, 'nodes'],
    ['an unknown field', (facts) => ({ ...facts, nodez: [] }), 'nodez'],
    ['an address with a leading zero', (facts) => ({ ...facts, operatorAddresses: ['192.168.218.070'] }), 'operatorAddresses.0'],
    ['an address that is not canonical', (facts) => ({ ...facts, operatorAddresses: ['2001:DB8::1'] }), 'operatorAddresses.0'],
    ['a CIDR with host bits', (facts) => ({ ...facts, podCidrs: ['10.0.0.1/8'] }), 'podCidrs.0'],
    ['a port out of range', (facts) => ({ ...facts, apiEndpoints: [{ address: '10.0.0.1', port: 70000, sources: [] }] }), 'apiEndpoints.0.port'],
    ['a number', () => 5, 'the whole'],
  ])('%s is refused by name', (_, change, where) => {
    const text = JSON.stringify(change(JSON.parse(formatFacts(homeFacts()))))
    expect(() => parseFacts(text)).toThrow(expect.objectContaining({ code: 'FW_BAD_FILE', message: expect.stringContaining(where) }))
  })

  test('what is no JSON is refused', () => {
    expect(() => parseFacts('apiVersion: x')).toThrow(expect.objectContaining({ code: 'FW_BAD_FILE' }))
  })
})
