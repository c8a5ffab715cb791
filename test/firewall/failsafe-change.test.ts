import { describe, expect, it } from 'vitest'
import { defaultFailsafes, type FailsafeSource } from '../../src/calico/failsafes.ts'
import type { FailsafePort } from '../../src/calico/shapes.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { failsafeChange, failsafeGaps, opens, requiredFailsafes } from '../../src/firewall/plan/failsafe-change.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { parseAddress } from '../../src/net/address.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'
import { homeFirewall } from './home-firewall.ts'

const tcp = (port: number, net?: string): FailsafePort => ({ protocol: 'TCP', port, ...(net === undefined ? {} : { net }) })
const noExtra = homeFirewall({ extraFailsafePorts: { inbound: [], outbound: [] } })

/** FelixConfiguration default says these lists, and every node follows it; `null` where it is silent. */
const saying = (inbound: FailsafePort[] | null, outbound: FailsafePort[] | null = null, metadata = {}): Facts => {
  const facts = homeFacts()
  const effective = (list: FailsafePort[] | null, direction: 'inbound' | 'outbound') => ({
    ports: list ?? defaultFailsafes[direction],
    source: list === null ? ({ kind: 'default' } as const) : ({ kind: 'felixconfiguration', name: 'default' } as const),
  })
  return {
    ...facts,
    felixConfigurations: [
      {
        apiVersion: 'projectcalico.org/v3',
        kind: 'FelixConfiguration',
        metadata: { name: 'default', ...metadata },
        spec: {
          ...(inbound === null ? {} : { failsafeInboundHostPorts: inbound }),
          ...(outbound === null ? {} : { failsafeOutboundHostPorts: outbound }),
        },
      },
    ],
    failsafes: Object.fromEntries(
      facts.nodes.map(({ name }) => [name, { inbound: effective(inbound, 'inbound'), outbound: effective(outbound, 'outbound') }]),
    ),
  }
}

describe('failsafeChange', () => {
  it('adds to the defaults where the cluster is silent, and remembers that it was', () => {
    expect(failsafeChange(homeFacts(), homeFirewall())).toEqual({
      ref: { apiVersion: 'projectcalico.org/v3', kind: 'FelixConfiguration', name: 'default' },
      exists: true,
      before: { inbound: null, outbound: null },
      after: { inbound: [...defaultFailsafes.inbound, tcp(7443)], outbound: [...defaultFailsafes.outbound, tcp(7443)] },
      added: [
        { direction: 'inbound', port: tcp(7443), reason: expect.stringContaining('API endpoint 192.168.218.189:7443') },
        { direction: 'outbound', port: tcp(7443), reason: expect.stringContaining('API endpoint 192.168.218.189:7443') },
      ],
    })
  })

  it('keeps a list of the user as it is, and adds at its end what is missing from it', () => {
    const list = [tcp(22, '10.0.0.0/8'), { protocol: 'udp', port: 68 }, tcp(9999)]
    expect(failsafeChange(saying(list), noExtra)?.after.inbound).toEqual([...list, tcp(6443), tcp(7443)])
  })

  it('an entry with a net is not enough: Felix may come from elsewhere', () => {
    const change = failsafeChange(saying([tcp(6443, '192.168.218.0/24'), tcp(7443)], [tcp(6443), tcp(7443)]), noExtra)
    expect(change?.added.map(({ direction, port }) => [direction, port])).toEqual([['inbound', tcp(6443)]])
  })

  it('an empty list means none at all, and stays that but for what must be', () => {
    expect(failsafeChange(saying([], []), noExtra)?.after).toEqual({ inbound: [tcp(6443), tcp(7443)], outbound: [tcp(6443), tcp(7443)] })
  })

  it('changes nothing where nothing is missing: every change restarts every Felix', () => {
    const { inbound, outbound } = defaultFailsafes
    expect(failsafeChange(saying([...inbound, { protocol: 'tcp', port: 7443 }], [...outbound, tcp(7443)]), homeFirewall())).toBeUndefined()
  })

  it('creates the configuration where there is none', () => {
    const change = failsafeChange({ ...homeFacts(), felixConfigurations: [] }, homeFirewall())
    expect(change).toMatchObject({ exists: false, before: { inbound: null, outbound: null } })
  })

  it('knows everything Felix and Typha talk to, each port once', () => {
    const facts = { ...homeFacts(), felixPeers: [{ address: parseAddress('192.168.218.171'), port: 5555, sources: ['Service calico-typha'] }] }
    expect(
      requiredFailsafes(facts, noExtra)
        .filter(({ direction }) => direction === 'inbound')
        .map(({ port }) => port.port),
    ).toEqual([5555, 6443, 7443])
    expect(failsafeChange(facts, homeFirewall())?.after.inbound.slice(-2)).toEqual([tcp(5555), tcp(7443)])
  })

  it.each<[string, FailsafePort]>([
    ['SCTP', { protocol: 'SCTP', port: 80 }],
    ['no protocol', { port: 80 } as FailsafePort],
    ['an empty protocol', { protocol: '', port: 80 }],
    ['a net that is none', tcp(80, '10.0.0.0/99')],
  ])('refuses to build on an entry with %s', (_, broken) => {
    expect(() => failsafeChange(saying([broken]), homeFirewall())).toThrow(
      expect.objectContaining({
        code: 'FW_BAD_FAILSAFE',
        message: expect.stringContaining('FelixConfiguration default has a broken inbound failsafe'),
        fix: expect.stringContaining('kubectl edit'),
      }),
    )
  })

  it.each(['10.0.0.1', '10.0.0.1/8', '2001:db8::/32', ''])('builds on an entry with net "%s", which Felix reads', (net) => {
    expect(failsafeChange(saying([tcp(1, net)]), noExtra)?.after.inbound[0]).toEqual(tcp(1, net))
  })
})

describe('nodes that follow something else', () => {
  const overridden = (source: FailsafeSource, inbound: FailsafePort[]): Facts => {
    const facts = homeFacts()
    const lists = { inbound: { ports: inbound, source }, outbound: { ports: [...defaultFailsafes.outbound, tcp(7443)], source } }
    return { ...facts, failsafes: { ...facts.failsafes, [nodeName('ws2')]: lists } }
  }

  it.each<[string, FailsafeSource, string]>([
    [
      'an environment variable',
      { kind: 'environment', variable: 'FELIX_FAILSAFEINBOUNDHOSTPORTS' },
      'environment variable FELIX_FAILSAFEINBOUNDHOSTPORTS',
    ],
    ['their own configuration', { kind: 'felixconfiguration', name: 'node.ws2' }, 'FelixConfiguration node.ws2'],
  ])('%s: the gap is named, the change does not widen others by it', (_, source, said) => {
    const facts = overridden(source, [tcp(22), tcp(6443), tcp(4444)])
    expect(failsafeGaps(facts, homeFirewall())).toEqual([
      expect.objectContaining({ node: nodeName('ws2'), direction: 'inbound', port: tcp(7443), source: said }),
    ])
    expect(failsafeChange(facts, homeFirewall())?.after.inbound).toEqual([...defaultFailsafes.inbound, tcp(7443)])
    const { notices } = makePlan({ firewall: homeFirewall(), facts, change: 1, windowSeconds: 90 })
    expect(notices).toContainEqual({
      level: 'warning',
      text: `${said} overrides FelixConfiguration default on ${nodeName('ws2')} and lacks 7443/tcp: add them there before these nodes are closed.`,
    })
    expect(notices).toContainEqual({
      level: 'warning',
      text: expect.stringMatching(/^Of Felix's default inbound failsafes these are not in force today: 179\/tcp, .*68\/udp\./),
    })
  })

  it('no gap where the other list has everything', () => {
    expect(failsafeGaps(overridden({ kind: 'environment', variable: 'X' }, [tcp(6443), tcp(7443)]), homeFirewall())).toEqual([])
  })

  it('an annotation on FelixConfiguration default beats its fields', () => {
    const facts = saying([tcp(6443)], [tcp(6443), tcp(7443)], { annotations: { 'config.projectcalico.org/FailsafeInboundHostPorts': 'tcp:6443' } })
    expect(failsafeGaps(facts, noExtra)).toHaveLength(5)
    expect(failsafeGaps(facts, noExtra)[0]).toMatchObject({
      port: tcp(7443),
      source: 'annotation config.projectcalico.org/FailsafeInboundHostPorts of FelixConfiguration default',
    })
  })

  it('SSH outside the failsafes is said', () => {
    const { notices } = makePlan({
      firewall: homeFirewall(),
      facts: saying([tcp(6443), tcp(7443)], [tcp(6443), tcp(7443)]),
      change: 1,
      windowSeconds: 90,
    })
    expect(notices).toContainEqual({ level: 'warning', text: expect.stringMatching(/^SSH \(22\/tcp\) is no failsafe here/) })
  })
})

describe('opens', () => {
  it.each<[FailsafePort[], boolean]>([
    [[tcp(22)], true],
    [[{ protocol: 'tcp', port: 22 }], true],
    [[tcp(22, '')], true],
    [[tcp(22, '0.0.0.0/1')], false],
    [[{ protocol: 'UDP', port: 22 }], false],
    [[], false],
  ])('%j: %s', (ports, expected) => {
    expect(opens(ports, tcp(22))).toBe(expected)
  })
})
