import { describe, expect, it } from 'vitest'
import { defaultFailsafes, effectiveFailsafes, type FailsafeSources, failsafeAccepts } from '../../src/calico/failsafes.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { FailsafePort, FelixConfiguration } from '../../src/calico/shapes.ts'
import { parseAddress } from '../../src/net/address.ts'

const configuration = (name: string, spec: FelixConfiguration['spec'], metadata: object = {}): FelixConfiguration => ({
  apiVersion: v3,
  kind: 'FelixConfiguration',
  metadata: { name, ...metadata },
  ...(spec === undefined ? {} : { spec }),
})
const list = (...ports: number[]): FailsafePort[] => ports.map((port) => ({ protocol: 'TCP', port }))
const sources = (more: Partial<FailsafeSources>): FailsafeSources => ({
  environment: {},
  configurations: [],
  nodeName: 'ws1',
  nodeLabels: { zone: 'a' },
  ...more,
})
const inbound = (more: Partial<FailsafeSources>) => effectiveFailsafes(sources(more)).inbound
const variable = 'FELIX_FAILSAFEINBOUNDHOSTPORTS'

describe('precedence', () => {
  const byDefault = configuration('default', { failsafeInboundHostPorts: list(1) })
  const byNode = configuration('node.ws1', { failsafeInboundHostPorts: list(2) })
  const bySelector = configuration(
    'zone-a',
    { nodeSelector: "zone == 'a'", failsafeInboundHostPorts: list(3) },
    { creationTimestamp: '2026-02-01T00:00:00Z' },
  )
  const older = configuration(
    'zone-x',
    { nodeSelector: 'has(zone)', failsafeInboundHostPorts: list(4) },
    { creationTimestamp: '2026-01-01T00:00:00Z' },
  )

  it.each([
    ['nothing: Felix’s own defaults', [], {}, defaultFailsafes.inbound, { kind: 'default' }],
    ['default', [byDefault], {}, list(1), { kind: 'felixconfiguration', name: 'default' }],
    ['a matching nodeSelector before default', [byDefault, bySelector], {}, list(3), { kind: 'felixconfiguration', name: 'zone-a' }],
    ['of two the older one', [bySelector, older, byDefault], {}, list(4), { kind: 'felixconfiguration', name: 'zone-x' }],
    ['node.NAME before a nodeSelector', [byDefault, bySelector, byNode], {}, list(2), { kind: 'felixconfiguration', name: 'node.ws1' }],
    ['the environment before all', [byDefault, byNode], { [variable]: '9' }, list(9), { kind: 'environment', variable }],
    [
      'another node’s configuration does not count',
      [configuration('node.ws2', { failsafeInboundHostPorts: list(5) })],
      {},
      defaultFailsafes.inbound,
      { kind: 'default' },
    ],
    [
      'a nodeSelector that does not match does not count',
      [configuration('b', { nodeSelector: "zone == 'b'", failsafeInboundHostPorts: list(5) })],
      {},
      defaultFailsafes.inbound,
      { kind: 'default' },
    ],
    [
      'nor one Felix cannot parse',
      [configuration('b', { nodeSelector: 'zone =', failsafeInboundHostPorts: list(5) })],
      {},
      defaultFailsafes.inbound,
      { kind: 'default' },
    ],
  ] as const)('%s', (_, configurations, environment, ports, source) => {
    expect(inbound({ configurations, environment })).toEqual({ ports, source })
  })
  it('is decided for each direction by itself', () => {
    const found = effectiveFailsafes(sources({ configurations: [byDefault], environment: { FELIX_failsafeOutboundHostPorts: 'none' } }))
    expect(found.inbound.ports).toEqual(list(1))
    expect(found.outbound).toEqual({ ports: [], source: { kind: 'environment', variable: 'FELIX_failsafeOutboundHostPorts' } })
  })
  it('the oldest matching nodeSelector wins even where it is silent about failsafes', () => {
    const silent = configuration('zone-0', { nodeSelector: 'has(zone)' }, { creationTimestamp: '2025-01-01T00:00:00Z' })
    expect(inbound({ configurations: [bySelector, silent, byDefault] }).ports).toEqual(list(1))
  })
})

describe('what a list may be', () => {
  it('an empty list means none at all, an absent one the defaults', () => {
    expect(inbound({ configurations: [configuration('default', { failsafeInboundHostPorts: [] })] }).ports).toEqual([])
    expect(inbound({ configurations: [configuration('default', {})] }).ports).toEqual(defaultFailsafes.inbound)
    expect(inbound({ configurations: [configuration('default', undefined)] }).source).toEqual({ kind: 'default' })
  })
  it.each([
    ['none', []],
    ['NONE', []],
    ['', []],
    ['22', [{ protocol: 'TCP', port: 22 }]],
    [
      'tcp:22, udp:68',
      [
        { protocol: 'TCP', port: 22 },
        { protocol: 'UDP', port: 68 },
      ],
    ],
    [
      'tcp:10.0.0.0/8:22,udp:68,443',
      [
        { protocol: 'TCP', port: 22, net: '10.0.0.0/8' },
        { protocol: 'UDP', port: 68 },
        { protocol: 'TCP', port: 443 },
      ],
    ],
    ['tcp:[fd00::/8]:22', [{ protocol: 'TCP', port: 22, net: 'fd00::/8' }]],
    ['tcp:10.0.0.1:22', [{ protocol: 'TCP', port: 22, net: '10.0.0.1' }]],
  ])('the environment variable "%s"', (text, ports) => {
    expect(inbound({ environment: { [variable]: text } }).ports).toEqual(ports)
  })
  it('an annotation overrides the field', () => {
    const annotations = { 'config.projectcalico.org/FailsafeInboundHostPorts': 'tcp:7' }
    expect(inbound({ configurations: [configuration('default', { failsafeInboundHostPorts: list(1) }, { annotations })] }).ports).toEqual(list(7))
  })
  it.each(['sctp:22', 'tcp:x', 'tcp:70000', 'tcp:10.0.0.0/99:22', 'tcp:1:2:3:4', '-1'])('Felix dies on the environment variable "%s"', (text) => {
    expect(() => inbound({ environment: { [variable]: text } })).toThrow(expect.objectContaining({ code: 'FW_BAD_FAILSAFE' }))
  })
  it.each([
    { protocol: 'SCTP', port: 22 },
    { protocol: '', port: 22 },
    { port: 22 } as FailsafePort,
    { protocol: 'TCP', port: 22, net: '10.0.0.0/99' },
  ])('Felix dies on the entry %j', (entry) => {
    expect(() => inbound({ configurations: [configuration('default', { failsafeInboundHostPorts: [entry] })] })).toThrow(
      expect.objectContaining({ code: 'FW_BAD_FAILSAFE' }),
    )
  })
})

describe('failsafeAccepts', () => {
  const ports: FailsafePort[] = [
    { protocol: 'tcp', port: 22, net: '10.1.2.3/8' },
    { protocol: 'UDP', port: 68 },
  ]
  it.each([
    ['TCP', 22, '10.9.9.9', true],
    ['tcp', 22, '11.0.0.1', false],
    ['TCP', 22, '::1', false],
    ['UDP', 22, '10.9.9.9', false],
    ['udp', 68, '2001:db8::1', true],
    ['TCP', 68, '10.0.0.1', false],
  ] as const)('%s %i from %s: %s', (protocol, port, remote, expected) => {
    expect(failsafeAccepts(ports, protocol, port, parseAddress(remote))).toBe(expected)
  })
})
