import { describe, expect, it } from 'vitest'
import { failsafeProblems, requireValid, validateObject } from '../../src/calico/limits.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { EntityRule, PolicySpec, Rule } from '../../src/calico/shapes.ts'

const object = (kind: string, spec: unknown, metadata: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  apiVersion: v3,
  kind,
  metadata: { name: 'it', ...metadata },
  spec,
})
const sound: PolicySpec = { order: 1, selector: 'has(a)', types: ['Ingress'], preDNAT: true, applyOnForward: true, ingress: [] }
const policy = (spec: Partial<PolicySpec>): KubeObject => object('GlobalNetworkPolicy', { ...sound, ...spec })
const rule = (one: Partial<Rule>): KubeObject => policy({ ingress: [{ action: 'Allow', ...one }] })
const from = (source: EntityRule): KubeObject => rule({ source })
const hostEndpoint = (spec: object, labels: Record<string, string> = {}): KubeObject =>
  object(
    'HostEndpoint',
    { node: 'n', interfaceName: 'eth0', expectedIPs: ['10.0.0.1'], profiles: ['projectcalico-default-allow'], ...spec },
    { labels },
  )
const set = (nets: readonly string[], labels: Record<string, string> = {}): KubeObject => object('GlobalNetworkSet', { nets }, { labels })
const many = <Item>(count: number, make: (at: number) => Item): Item[] => Array.from({ length: count }, (_, at) => make(at))
const host = (at: number): string => `10.0.${at >> 8}.${at & 255}/32`
const service = { name: 's', namespace: 'n' }

describe('sound objects', () => {
  it.each<[string, KubeObject]>([
    ['an empty policy', policy({})],
    ['a policy that denies all', rule({ action: 'Deny' })],
    ['ports with a destination', rule({ protocol: 'TCP', destination: { nets: ['10.0.0.1/32'], ports: [80, '90:99'] } })],
    [
      'exactly the limits',
      policy({
        ingress: many(1024, () => ({
          action: 'Allow',
          protocol: 'UDP',
          source: { nets: many(256, host) },
          destination: { nets: ['10.0.0.0/8'], ports: many(50, (at) => at + 1) },
        })),
      }),
    ],
    ['protocols by number', rule({ protocol: 112 })],
    ['ICMP with type and code', rule({ protocol: 'ICMP', ipVersion: 4, icmp: { type: 3, code: 4 } })],
    ['a Service as source', from({ services: service })],
    ['our set, global', from({ selector: "calico-fw.github.io/set == 'nodes'", namespaceSelector: 'global()' })],
    ['a HostEndpoint', hostEndpoint({})],
    ['a HostEndpoint on a VLAN, without addresses', hostEndpoint({ interfaceName: 'bond0.100', expectedIPs: [] })],
    ['halves of the world', set(['0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1'])],
    ['a set of 10,000', set(many(10_000, host))],
    [
      'failsafes',
      object('FelixConfiguration', {
        failsafeInboundHostPorts: [
          { protocol: 'TCP', port: 22 },
          { protocol: 'UDP', port: 68, net: '10.0.0.0/8' },
        ],
      }),
    ],
    ['a kind without limits', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'calico-fw-nodes' } }],
  ])('%s', (_, one) => {
    expect(validateObject(one)).toEqual([])
  })
})

describe('every limit and trap', () => {
  it.each<[string, KubeObject, string, string]>([
    ['types missing', policy({ types: undefined as never }), 'spec.types', 'cuts the node'],
    ['types empty', policy({ types: [] }), 'spec.types', 'missing'],
    ['a type twice', policy({ types: ['Ingress', 'Ingress'] }), 'spec.types', 'repeats'],
    ['order missing', policy({ order: undefined as never }), 'spec.order', 'ties'],
    ['order infinite', policy({ order: Number.POSITIVE_INFINITY }), 'spec.order', 'ties'],
    ['preDNAT and doNotTrack', policy({ doNotTrack: true }), 'spec.preDNAT', 'doNotTrack'],
    ['preDNAT without applyOnForward', policy({ applyOnForward: false }), 'spec.applyOnForward', 'must be true'],
    ['doNotTrack without applyOnForward', policy({ preDNAT: false, doNotTrack: true, applyOnForward: false }), 'spec.applyOnForward', 'must be true'],
    ['preDNAT with Egress', policy({ types: ['Ingress', 'Egress'] }), 'spec.egress', 'preDNAT'],
    ['preDNAT with egress rules', policy({ egress: [{ action: 'Allow' }] }), 'spec.egress', 'preDNAT'],
    ['global() in a policy selector', policy({ selector: 'global()' }), 'spec.selector', 'stands alone'],
    ['a selector that does not parse', policy({ selector: "a = 'b'" }), 'spec.selector', ''],
    ['a selector over 1024', policy({ selector: `a in {${many(300, (at) => `'${at}'`).join(', ')}}` }), 'spec.selector', '1024 fit'],
    ['1025 rules', policy({ ingress: many(1025, () => ({ action: 'Allow' })) }), 'spec.ingress', '1024 fit'],
    ['ports without protocol', rule({ destination: { nets: ['10.0.0.0/8'], ports: [80] } }), 'spec.ingress[0].protocol', 'ports need'],
    ['a range without protocol', rule({ destination: { nets: ['10.0.0.0/8'], ports: ['1:2'] } }), 'spec.ingress[0].protocol', 'ports need'],
    ['notPorts without protocol', rule({ source: { notPorts: [80] } }), 'spec.ingress[0].protocol', 'ports need'],
    ['ports with ICMP', rule({ protocol: 'ICMP', destination: { nets: ['10.0.0.0/8'], ports: [80] } }), 'spec.ingress[0].protocol', 'ports need'],
    ['ports with VRRP', rule({ protocol: 112, destination: { nets: ['10.0.0.0/8'], ports: ['http'] } }), 'spec.ingress[0].protocol', 'ports need'],
    ['port 0', rule({ protocol: 'TCP', destination: { nets: ['10.0.0.0/8'], ports: [0] } }), 'spec.ingress[0].destination.ports[0]', 'not a port'],
    [
      'port 65536',
      rule({ protocol: 'TCP', destination: { nets: ['10.0.0.0/8'], ports: [65536] } }),
      'spec.ingress[0].destination.ports[0]',
      'not a port',
    ],
    [
      'a falling range',
      rule({ protocol: 'TCP', destination: { nets: ['10.0.0.0/8'], ports: ['9:8'] } }),
      'spec.ingress[0].destination.ports[0]',
      'not a port',
    ],
    [
      'a range with a dash and a blank',
      rule({ protocol: 'TCP', destination: { nets: ['10.0.0.0/8'], ports: ['8 - 9'] } }),
      'spec.ingress[0].destination.ports[0]',
      'not a port',
    ],
    [
      '51 ports',
      rule({ protocol: 'TCP', destination: { nets: ['10.0.0.0/8'], ports: many(51, (at) => at + 1) } }),
      'spec.ingress[0].destination.ports',
      '50 fit',
    ],
    ['ports without destination', rule({ protocol: 'TCP', destination: { ports: [80] } }), 'spec.ingress[0].destination', 'on pods too'],
    ['257 nets', from({ nets: many(257, host) }), 'spec.ingress[0].source.nets', '256 fit'],
    ['257 notNets', from({ notNets: many(257, host) }), 'spec.ingress[0].source.notNets', '256 fit'],
    ['IPv4 and IPv6 in one list', from({ nets: ['10.0.0.0/8', '2001:db8::/32'] }), 'spec.ingress[0]', 'mixes'],
    ['IPv4 from, IPv6 to', rule({ source: { nets: ['10.0.0.0/8'] }, destination: { nets: ['2001:db8::/32'] } }), 'spec.ingress[0]', 'mixes'],
    ['ipVersion against the nets', rule({ ipVersion: 6, source: { nets: ['10.0.0.0/8'] } }), 'spec.ingress[0].ipVersion', 'the nets are not'],
    ['a net that is none', from({ nets: ['10.0.0.0/33'] }), 'spec.ingress[0].source.nets[0]', 'not a CIDR'],
    ['a bare address in a rule', from({ nets: ['10.0.0.1'] }), 'spec.ingress[0].source.nets[0]', 'not a CIDR'],
    ['all addresses in a rule', from({ nets: ['0.0.0.0/0'] }), 'spec.ingress[0].source.nets[0]', 'leave the nets out'],
    ['all addresses denied', from({ notNets: ['::/0'] }), 'spec.ingress[0].source.notNets[0]', 'leave the nets out'],
    ['ICMP as IPv6', rule({ protocol: 'ICMP', ipVersion: 6 }), 'spec.ingress[0].ipVersion', 'ICMP is IPv4'],
    ['ICMPv6 as IPv4', rule({ protocol: 'ICMPv6', ipVersion: 4 }), 'spec.ingress[0].ipVersion', 'ICMPv6 is IPv6'],
    ['icmp without its protocol', rule({ protocol: 'TCP', icmp: { type: 8 } }), 'spec.ingress[0].icmp', 'needs protocol'],
    ['an ICMP code alone', rule({ protocol: 'ICMP', icmp: { code: 1 } }), 'spec.ingress[0].icmp', 'without a type'],
    ['ICMP type 255', rule({ protocol: 'ICMP', icmp: { type: 255 } }), 'spec.ingress[0].icmp.type', '254'],
    ['protocol 0', rule({ protocol: 0 }), 'spec.ingress[0].protocol', '1 to 255'],
    ['protocol 256', rule({ protocol: 256 }), 'spec.ingress[0].protocol', '1 to 255'],
    ['a small protocol', rule({ protocol: 'tcp' as never }), 'spec.ingress[0].protocol', 'a name as in'],
    ['a Service as ingress destination', rule({ destination: { services: service } }), 'spec.ingress[0]', 'wrong side'],
    [
      'a Service as egress source',
      policy({ preDNAT: false, types: ['Egress'], egress: [{ action: 'Allow', source: { services: service } }] }),
      'spec.egress[0]',
      'wrong side',
    ],
    ['a Service without namespace', from({ services: { name: 's' } }), 'spec.ingress[0].services', 'no namespace'],
    ['a Service without name', from({ services: { name: '', namespace: 'n' } }), 'spec.ingress[0].source.services', 'no name'],
    ['a Service beside nets', from({ services: service, nets: ['10.0.0.0/8'] }), 'spec.ingress[0].source.services', 'beside'],
    ['a Service beside a selector', from({ services: service, selector: 'has(a)' }), 'spec.ingress[0].source.services', 'beside'],
    ['a Service beside a namespaceSelector', from({ services: service, namespaceSelector: 'global()' }), 'spec.ingress[0].source.services', 'beside'],
    ['a Service beside ports', rule({ protocol: 'TCP', source: { services: service, ports: [1] } }), 'spec.ingress[0].services', 'beside ports'],
    ['global() in a rule selector', from({ selector: 'global()' }), 'spec.ingress[0].source.selector', 'stands alone'],
    ['global() with something', from({ namespaceSelector: 'global() && has(a)' }), 'spec.ingress[0].source.namespaceSelector', 'stands alone'],
    ['our set without global()', from({ selector: "calico-fw.github.io/set == 'nodes'" }), 'spec.ingress[0].source.namespaceSelector', 'tenant'],
    ['a policy name with a dot', object('GlobalNetworkPolicy', sound, { name: 'foo.bar' }), 'metadata.name', 'one DNS label'],
    ['a policy name of 64', object('GlobalNetworkPolicy', sound, { name: 'a'.repeat(64) }), 'metadata.name', 'one DNS label'],
    ['a name in capitals', object('HostEndpoint', hostEndpoint({})['spec'], { name: 'Node-eth0' }), 'metadata.name', 'DNS subdomain'],
    ['a name of 254', object('HostEndpoint', hostEndpoint({})['spec'], { name: 'a'.repeat(254) }), 'metadata.name', 'DNS subdomain'],
    ['a label key that is none', set([], { 'a/b/c': 'd' }), 'metadata.labels["a/b/c"]', 'no label key'],
    ['a label value of 64', set([], { a: 'b'.repeat(64) }), 'metadata.labels["a"]', 'no label value'],
    [
      'the namespace label on a global set',
      set([], { 'projectcalico.org/namespace': 'a' }),
      'metadata.labels["projectcalico.org/namespace"]',
      'by Calico itself',
    ],
    [
      'the label of automatic HostEndpoints',
      hostEndpoint({}, { 'projectcalico.org/created-by': 'calico-kube-controllers' }),
      'metadata.labels["projectcalico.org/created-by"]',
      'delete',
    ],
    [
      'annotations over 256 KiB',
      object('GlobalNetworkSet', { nets: [] }, { annotations: { a: 'x'.repeat(262_144) } }),
      'metadata.annotations',
      '256 KiB',
    ],
    ['all addresses in a set', set(['0.0.0.0/0']), 'spec.nets[0]', 'panics Felix'],
    ['all IPv6 in a set', set(['::/0']), 'spec.nets[0]', 'panics Felix'],
    ['a bare address in a set', set(['10.0.0.1']), 'spec.nets[0]', 'not a CIDR'],
    ['host bits in a set', set(['10.0.0.1/8']), 'spec.nets[0]', 'host bits'],
    ['no node', hostEndpoint({ node: '' }), 'spec.node', "no node's name"],
    ['a node of 254', hostEndpoint({ node: 'n'.repeat(254) }), 'spec.node', "no node's name"],
    ['no interface', hostEndpoint({ interfaceName: undefined }), 'spec.interfaceName', 'missing'],
    ['a wildcard', hostEndpoint({ interfaceName: '*' }), 'spec.interfaceName', 'wildcard'],
    ['loopback', hostEndpoint({ interfaceName: 'lo' }), 'spec.interfaceName', 'loopback'],
    ['a pod interface', hostEndpoint({ interfaceName: 'cali0123456789a' }), 'spec.interfaceName', 'never puts'],
    ['an interface with @', hostEndpoint({ interfaceName: 'eth0.1@eth0' }), 'spec.interfaceName', 'no interface name'],
    ['an interface of 16', hostEndpoint({ interfaceName: 'a'.repeat(16) }), 'spec.interfaceName', 'no interface name'],
    ['an expected IP that is a CIDR', hostEndpoint({ expectedIPs: ['10.0.0.1/32'] }), 'spec.expectedIPs[0]', 'not an address'],
    ['an expected IP twice', hostEndpoint({ expectedIPs: ['10.0.0.1', '10.0.0.1'] }), 'spec.expectedIPs', 'repeats'],
    ['no profile', hostEndpoint({ profiles: [] }), 'spec.profiles', 'own traffic is dropped'],
    ['a misspelt profile', hostEndpoint({ profiles: ['projectcalico-default-alow'] }), 'spec.profiles', 'own traffic is dropped'],
    [
      'an SCTP failsafe',
      object('FelixConfiguration', { failsafeInboundHostPorts: [{ protocol: 'SCTP', port: 1 }] }),
      'spec.failsafeInboundHostPorts[0].protocol',
      'is SCTP',
    ],
    [
      'a failsafe without protocol',
      object('FelixConfiguration', { failsafeOutboundHostPorts: [{ port: 1 }] }),
      'spec.failsafeOutboundHostPorts[0].protocol',
      'is missing',
    ],
    [
      'a failsafe with a bad net',
      object('FelixConfiguration', { failsafeInboundHostPorts: [{ protocol: 'TCP', port: 1, net: '10.0.0.0/99' }] }),
      'spec.failsafeInboundHostPorts[0].net',
      'crashes',
    ],
    [
      'failsafe port 0',
      object('FelixConfiguration', { failsafeInboundHostPorts: [{ protocol: 'TCP', port: 0 }] }),
      'spec.failsafeInboundHostPorts[0].port',
      'not a port',
    ],
    [
      'a ConfigMap over 1 MiB',
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { a: 'x'.repeat(1024 * 1024) } },
      'data',
      '1 MiB',
    ],
  ])('%s', (_, one, path, text) => {
    const problems = validateObject(one)
    expect(problems).toContainEqual({ path, text: expect.stringContaining(text) })
    expect(() => requireValid([one])).toThrow(expect.objectContaining({ code: 'FW_BAD_OBJECT', exit: 3 }))
  })

  it('says which object, where, and how much more', () => {
    const broken = policy({ types: [], order: undefined as never })
    expect(() => requireValid([policy({}), broken])).toThrow(/^GlobalNetworkPolicy it: spec\.types is missing.* \(and 1 more\)$/)
  })

  it('failsafes one by one', () => {
    expect(
      failsafeProblems(
        [
          { protocol: 'TCP', port: 1 },
          { protocol: 'tcp', port: 2 },
          { protocol: 'UDP', port: 3, net: '10.0.0.1' },
        ],
        'x',
      ).map(({ path }) => path),
    ).toEqual(['x[1].protocol'])
  })
})
