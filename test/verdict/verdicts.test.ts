import { describe, expect, it } from 'vitest'
import type { HostEndpoint, Rule } from '../../src/calico/shapes.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import type { Connection, World } from '../../src/verdict/model.ts'
import { decide } from '../../src/verdict/verdicts.ts'
import { homeAddresses as at, podOf } from '../fixtures/home-facts.ts'
import { tutorialHostEndpoints, tutorialPolicies } from '../fixtures/tutorial.ts'
import { action, bare, facts, hostEndpoint, ingress, onAll, policy, tcp } from './world-builder.ts'

const [control1, ws1, ws2] = facts.nodes as [(typeof facts.nodes)[0], (typeof facts.nodes)[0], (typeof facts.nodes)[0]]
const denyAll = ingress('deny', 9, [{ action: 'Deny' }])
const rules = (...list: Rule[]): World => ({ ...bare, policies: [ingress('rules', 1, list), denyAll], hostEndpoints: onAll() })
const fromWindows = (port: number, destination: string = at.ws1) => tcp(at.windowsClient, destination, port)
const named = (name: string, endpoint: HostEndpoint): HostEndpoint => ({ ...endpoint, metadata: { ...endpoint.metadata, name } })

describe('rule matching', () => {
  const cases: readonly [string, Rule, Connection, 'allow' | 'deny' | 'unknown'][] = [
    ['a protocol by name', { action: 'Allow', protocol: 'TCP' }, fromWindows(80), 'allow'],
    ['a protocol by number', { action: 'Allow', protocol: 6 }, fromWindows(80), 'allow'],
    ['notProtocol', { action: 'Allow', notProtocol: 'TCP' }, fromWindows(80), 'deny'],
    ['a port', { action: 'Allow', protocol: 'TCP', destination: { ports: [80] } }, fromWindows(80), 'allow'],
    ['another port', { action: 'Allow', protocol: 'TCP', destination: { ports: [80] } }, fromWindows(81), 'deny'],
    ['a port range', { action: 'Allow', protocol: 'TCP', destination: { ports: ['9000:9100'] } }, fromWindows(9100), 'allow'],
    ['notPorts', { action: 'Allow', protocol: 'TCP', destination: { notPorts: ['9000:9100'] } }, fromWindows(9100), 'deny'],
    ['ports of another protocol', { action: 'Allow', protocol: 'UDP', destination: { ports: [80] } }, fromWindows(80), 'deny'],
    ['source nets', { action: 'Allow', source: { nets: ['192.168.218.53/32'] } }, fromWindows(80), 'allow'],
    ['notNets', { action: 'Allow', source: { notNets: ['192.168.218.0/24'] } }, fromWindows(80), 'deny'],
    ['nets of the other family alone', { action: 'Allow', source: { nets: ['::/1'] } }, fromWindows(80), 'deny'],
    ['notNets of the other family alone: not rendered', { action: 'Allow', source: { notNets: ['::/1'] } }, fromWindows(80), 'deny'],
    ['notNets with a /0: not rendered', { action: 'Allow', source: { notNets: ['0.0.0.0/0'] } }, fromWindows(80), 'deny'],
    ['a destination by HostEndpoint selector', { action: 'Allow', destination: { selector: 'has(fw)' } }, fromWindows(80), 'allow'],
    ['notSelector', { action: 'Allow', destination: { notSelector: 'has(fw)' } }, fromWindows(80), 'deny'],
    ['ipVersion', { action: 'Allow', ipVersion: 6 }, fromWindows(80), 'deny'],
    [
      'a Service as source',
      { action: 'Allow', source: { services: { name: 'kubernetes', namespace: 'default' } } },
      tcp(at.control1, at.ws1, 80),
      'allow',
    ],
    ['a Service nobody made', { action: 'Allow', source: { services: { name: 'none', namespace: 'default' } } }, fromWindows(80), 'deny'],
    ['a port name no endpoint has', { action: 'Allow', protocol: 'TCP', destination: { ports: ['http'] } }, fromWindows(80), 'deny'],
    ['a port name a pod may have', { action: 'Allow', protocol: 'TCP', destination: { ports: ['http'] } }, fromWindows(80, podOf(1)), 'unknown'],
    ['ports without a protocol', { action: 'Allow', destination: { ports: [80] } }, fromWindows(80), 'unknown'],
    ['a source port', { action: 'Allow', protocol: 'TCP', source: { ports: [80] } }, fromWindows(80), 'unknown'],
    [
      'ports of a protocol that has none',
      { action: 'Allow', protocol: 112, destination: { ports: [80] } },
      { ...fromWindows(80), protocol: 112 },
      'deny',
    ],
    ['a selector a pod may match', { action: 'Allow', source: { selector: "app == 'x'" } }, tcp(podOf(1), podOf(2), 80), 'unknown'],
    ['Log goes on', { action: 'Log' }, fromWindows(80), 'deny'],
    ['Pass skips the tier', { action: 'Pass' }, fromWindows(80), 'allow'],
  ]
  it.each(cases)('%s', (_, rule, connection, expected) => {
    expect(action(rules(rule), connection)).toBe(expected)
  })

  const echo = { source: at.windowsClient, destination: at.ws1, protocol: 'ICMP' } as const
  it('ICMP by type and code', () => {
    const world = rules({ action: 'Allow', protocol: 'ICMP', icmp: { type: 8, code: 0 } })
    expect(action(world, { ...echo, icmp: { type: 8, code: 0 } })).toBe('allow')
    expect(action(world, { ...echo, icmp: { type: 13, code: 0 } })).toBe('deny')
    expect(action(world, echo)).toBe('unknown')
    expect(action(rules({ action: 'Allow', protocol: 'ICMP', notICMP: { type: 13 } }), { ...echo, icmp: { type: 8, code: 0 } })).toBe('allow')
  })
  it('both ways of a rule nobody can tell lead to the same end: no unknown', () => {
    const world = rules({ action: 'Allow', source: { selector: "app == 'x'" } }, { action: 'Allow', source: { nets: ['10.233.0.0/16'] } })
    expect(action(world, tcp(podOf(1), podOf(2), 80))).toBe('allow')
  })
})

describe('which HostEndpoint holds an interface', () => {
  const open = ingress('open', 1, [{ action: 'Allow' }], { selector: "role == 'open'" })
  const shut = ingress('shut', 1, [{ action: 'Deny' }], { selector: "role == 'shut'" })
  const world = (...hostEndpoints: HostEndpoint[]): World => ({ ...bare, policies: [open, shut], hostEndpoints })
  const byName = (name: string, role: string) => named(name, hostEndpoint(ws1, { role }))
  const byAddress = (name: string, role: string) => named(name, { ...hostEndpoint(ws1, { role }), spec: { node: ws1.name, expectedIPs: [at.ws1] } })
  const star = (name: string, role: string) => named(name, hostEndpoint(ws1, { role }, { interfaceName: '*' }))

  it('the alphabetically smallest name wins, by interface name or by address alike', () => {
    expect(action(world(byName('b', 'open'), byAddress('a', 'shut')), fromWindows(80))).toBe('deny')
    expect(action(world(byName('a', 'open'), byAddress('b', 'shut')), fromWindows(80))).toBe('allow')
  })
  it('one with a foreign interface name never falls back to its addresses', () => {
    const other = named('a', hostEndpoint(ws1, { role: 'shut' }, { interfaceName: 'ens999' }))
    expect(action(world(other, byName('b', 'open')), fromWindows(80))).toBe('allow')
  })
  it('a named one takes the interface from *, which was a firewall', () => {
    expect(action(world(star('a', 'shut')), fromWindows(80))).toBe('deny')
    expect(action(world(star('a', 'shut'), byName('b', 'open')), fromWindows(80))).toBe('allow')
  })
  it('* lends its preDNAT policy to a named one that has none', () => {
    expect(action(world(star('a', 'shut'), byName('b', 'none')), fromWindows(80))).toBe('deny')
  })
  it('* polices loopback and pods’ NodePort connections, a named one does not', () => {
    const toItself = tcp(at.ws1, at.ws1, 9100)
    expect(action(world(byName('a', 'shut')), toItself)).toBe('allow')
    expect(action(world(star('a', 'shut')), toItself)).toBe('deny')
    expect(action(world(byName('a', 'shut')), tcp(podOf(1), at.ws1, 9100))).toBe('allow')
    expect(action(world(star('a', 'shut')), tcp(podOf(1), at.ws1, 9100))).toBe('deny')
  })
  it('a wrong node name is silent: the HostEndpoint governs nothing', () => {
    expect(action(world({ ...byName('a', 'shut'), spec: { ...byName('a', 'shut').spec, node: 'ws1' } }), fromWindows(80))).toBe('allow')
  })
})

describe('failsafes', () => {
  const narrow = { protocol: 'TCP', port: 22, net: '192.168.218.0/24' }
  const world: World = {
    ...bare,
    policies: [denyAll],
    hostEndpoints: onAll(),
    failsafes: Object.fromEntries(
      facts.nodes.map(({ name }) => [
        name,
        { inbound: { ports: [narrow], source: { kind: 'default' } }, outbound: { ports: [], source: { kind: 'default' } } },
      ]),
    ),
  }
  it('with a net accept that remote alone', () => {
    expect(action(world, fromWindows(22))).toBe('allow')
    expect(action(world, tcp(at.outsider, at.ws1, 22))).toBe('deny')
    expect(action(world, fromWindows(6443))).toBe('deny')
  })
  it('let out by the destination’s net', () => {
    const outbound = { ports: [{ protocol: 'TCP', port: 443, net: '198.51.100.0/24' }], source: { kind: 'default' as const } }
    const failsafes = Object.fromEntries(Object.entries(world.failsafes).map(([name, lists]) => [name, { ...lists, outbound }]))
    const mute = { ...world, failsafes, policies: [], hostEndpoints: onAll({}, { profiles: [] }) }
    expect(action(mute, tcp(at.ws1, '198.51.100.7', 443))).toBe('allow')
    expect(action(mute, tcp(at.ws1, '203.0.113.9', 443))).toBe('deny')
  })
  it('do not exist for forwarded traffic under apply-on-forward policy', () => {
    const forward = policy('forward', { order: 1, selector: 'has(fw)', applyOnForward: true, types: ['Ingress'], ingress: [{ action: 'Deny' }] })
    const closed = { ...world, failsafes: bare.failsafes, policies: [forward] }
    expect(action(closed, tcp(at.windowsClient, podOf(1), 22))).toBe('deny')
    expect(action(closed, fromWindows(22))).toBe('allow')
  })
})

describe('the order of policies', () => {
  const one = (name: string, verdict: 'Allow' | 'Deny', more: object) =>
    policy(name, { selector: 'has(fw)', types: ['Ingress'], ingress: [{ action: verdict }], ...more })
  const world = (...policies: World['policies']): World => ({ ...bare, policies, hostEndpoints: onAll() })
  it('goes by number, those without come last, ties go by name', () => {
    expect(action(world(one('a', 'Deny', { order: 2 }), one('b', 'Allow', { order: 1 })), fromWindows(80))).toBe('allow')
    expect(action(world(one('a', 'Deny', {}), one('b', 'Allow', { order: 5 })), fromWindows(80))).toBe('allow')
    expect(action(world(one('b', 'Deny', { order: 1 }), one('a', 'Allow', { order: 1 })), fromWindows(80))).toBe('allow')
    expect(action(world(one('b', 'Deny', {}), one('a', 'Allow', {})), fromWindows(80))).toBe('allow')
  })
  it('holds in long chains too: whatever has no destination, and the end of the tier', () => {
    const doors = Array.from({ length: 30 }, (_, index): Rule => ({ action: 'Allow', destination: { nets: [`198.51.100.${index}/32`] } }))
    const many = (...last: Rule[]) => world(policy('many', { selector: 'has(fw)', types: ['Ingress'], ingress: [...doors, ...last] }))
    expect(action(many(), fromWindows(80)), 'end of the tier').toBe('deny')
    expect(action(many({ action: 'Deny', source: { nets: ['192.168.218.0/24'] } }, { action: 'Allow' }), fromWindows(80))).toBe('deny')
    expect(action(many({ action: 'Allow', destination: { nets: [`${at.ws1}/32`] } }, { action: 'Deny' }), fromWindows(80))).toBe('allow')
    const passing = {
      tier: 'kube-admin',
      selector: 'has(fw)',
      types: ['Ingress' as const],
      ingress: [...doors, { action: 'Pass' as const }, { action: 'Allow' as const }],
    }
    expect(action(world(policy('admin', passing), one('a', 'Deny', {})), fromWindows(80)), 'Pass leaves the tier').toBe('deny')
  })
})

describe('tiers', () => {
  const normal = (tier: string, ...list: Rule[]) => policy(`in-${tier}`, { tier, order: 1, selector: 'has(fw)', types: ['Ingress'], ingress: list })
  const world = (...policies: World['policies']): World => ({ ...bare, policies, hostEndpoints: onAll() })
  it('go by their order, and Pass leads to the next', () => {
    expect(action(world(normal('kube-admin', { action: 'Deny' }), normal('default', { action: 'Allow' })), fromWindows(80))).toBe('deny')
    expect(action(world(normal('kube-admin', { action: 'Pass' }), normal('default', { action: 'Deny' })), fromWindows(80))).toBe('deny')
  })
  it('end in their default action: Deny drops, Pass leads on to the profile', () => {
    expect(action(world(normal('default')), fromWindows(80))).toBe('deny')
    expect(action(world(normal('kube-admin')), fromWindows(80))).toBe('allow')
    expect(action(world(normal('nobody-made')), fromWindows(80))).toBe('deny')
  })
  it('govern forwarded traffic only where applyOnForward says so', () => {
    expect(action(world(normal('default')), fromWindows(31110))).toBe('allow')
    const forward = policy('forward', { order: 1, selector: 'has(fw)', applyOnForward: true, types: ['Ingress'], ingress: [] })
    expect(action(world(forward), fromWindows(31110))).toBe('deny')
  })
})

describe('Services', () => {
  const without = (index: number): World => ({
    ...bare,
    services: bare.services.map((service) => ({ ...service, endpoints: service.endpoints.filter(({ address }) => address !== podOf(index)) })),
  })
  it('externalTrafficPolicy Local drops where the node runs no endpoint, for outsiders alone', () => {
    expect(action(without(1), fromWindows(31852, at.ws1))).toBe('deny')
    expect(action(without(1), fromWindows(31852, at.ws2))).toBe('allow')
    expect(action(without(1), tcp(at.ws1, at.ws1, 31852))).toBe('allow')
  })
  it('without endpoints refuse', () => {
    const empty = { ...bare, services: bare.services.map((service) => ({ ...service, endpoints: [] })) }
    expect(action(empty, fromWindows(80, at.ingressVip))).toBe('deny')
  })
  it('answer on externalIPs', () => {
    const address = parseAddress('192.168.218.190')
    const world = { ...bare, services: bare.services.map((service) => (service.name === 'app1' ? { ...service, externalIPs: [address] } : service)) }
    expect(action(world, fromWindows(80, address))).toBe('allow')
    expect(action({ ...world, policies: [denyAll], hostEndpoints: onAll() }, fromWindows(80, address))).toBe('deny')
  })
  it('an apply-on-forward policy sees the pod’s port, preDNAT the dialled one', () => {
    const forward = (port: number) =>
      policy('forward', {
        order: 1,
        selector: 'has(fw)',
        applyOnForward: true,
        types: ['Ingress'],
        ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [port] } }],
      })
    const through = (port: number): World => ({ ...bare, policies: [forward(port)], hostEndpoints: onAll() })
    expect(action(through(80), fromWindows(31110))).toBe('allow')
    expect(action(through(31110), fromWindows(31110))).toBe('deny')
  })
  it('leads each port to the endpoint’s port of the same name', () => {
    const services = bare.services.map((service) =>
      service.name === 'ingress'
        ? {
            ...service,
            endpoints: service.endpoints.map((endpoint) => ({
              ...endpoint,
              ports: [
                { name: 'http', port: 8080 },
                { name: 'https', port: 8443 },
              ],
            })),
          }
        : service,
    )
    const forward = policy('forward', {
      ...{ order: 1, selector: 'has(fw)', applyOnForward: true, types: ['Ingress'] },
      ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [8443] } }],
    })
    const world: World = { ...bare, services, policies: [forward], hostEndpoints: onAll() }
    expect([80, 443].map((port) => action(world, fromWindows(port, at.ingressVip)))).toEqual(['deny', 'allow'])
  })
  it('a preDNAT Allow spares the forward policy of the way in, and none of the way out', () => {
    const open = ingress('open', 1, [{ action: 'Allow' }])
    const forward = (types: 'Ingress' | 'Egress') =>
      policy('forward', { order: 2, selector: 'has(fw)', applyOnForward: true, types: [types], ingress: [], egress: [] })
    const local = {
      ...bare,
      services: bare.services.map((one) => ({ ...one, endpoints: one.endpoints.filter(({ address }) => address === podOf(1)) })),
    }
    expect(action({ ...local, policies: [open, forward('Ingress')], hostEndpoints: onAll() }, fromWindows(31110, at.ws1))).toBe('allow')
    expect(action({ ...local, policies: [forward('Ingress')], hostEndpoints: onAll() }, fromWindows(31110, at.ws1))).toBe('deny')
    expect(action({ ...local, policies: [open, forward('Egress')], hostEndpoints: onAll() }, fromWindows(31110, at.ws2))).toBe('deny')
  })
  it('a VIP nobody is told to hold comes in anywhere: differing nodes make it unknown, `via` decides', () => {
    const nodes = ingress('nodes', 1, [{ action: 'Allow', source: { nets: ['192.168.218.171/32', '192.168.218.174/31'] } }])
    const world = { ...bare, policies: [nodes, denyAll], hostEndpoints: [hostEndpoint(ws1)] }
    expect(action(world, fromWindows(80, at.ingressVip))).toBe('unknown')
    expect(action(world, { ...fromWindows(80, at.ingressVip), via: ws1.name })).toBe('deny')
    expect(action(world, { ...fromWindows(80, at.ingressVip), via: control1.name })).toBe('allow')
  })
  it('healthCheckNodePort is a port of the host', () => {
    const world = { ...bare, policies: [denyAll], hostEndpoints: onAll() }
    expect(action(bare, fromWindows(32500))).toBe('allow')
    expect(action(world, fromWindows(32500))).toBe('deny')
  })
})

describe('pods’ packets between nodes', () => {
  const closed = (ipPools: World['ipPools']): World => {
    const { ipPools: _, ...rest } = bare
    return {
      ...rest,
      ...(ipPools === undefined ? {} : { ipPools }),
      policies: [ingress('pods', 1, [{ action: 'Allow', source: { nets: ['10.233.64.0/18'] } }]), denyAll],
      hostEndpoints: onAll(),
    }
  }
  const pool = { cidr: parseCidr('10.233.64.0/18'), natOutgoing: true, ipipMode: 'Never', vxlanMode: 'Never' } as const
  it('are judged by their own addresses without an overlay, by the nodes’ inside one, and unknown where nobody tells', () => {
    const connection = tcp(podOf(1), podOf(2), 80)
    expect(action(closed([pool]), connection)).toBe('allow')
    expect(action(closed([{ ...pool, vxlanMode: 'Always' }]), connection)).toBe('deny')
    expect(action(closed(undefined), connection)).toBe('unknown')
  })
  it('show the node’s address to other hosts where natOutgoing masquerades', () => {
    expect(action(closed([{ ...pool, natOutgoing: false }]), tcp(podOf(1), at.ws2, 9100))).toBe('allow')
    expect(action(closed([pool]), tcp(podOf(1), at.ws2, 9100))).toBe('deny')
  })
})

describe('what the model does not know it does not guess', () => {
  const closed: World = { ...bare, policies: [denyAll], hostEndpoints: onAll() }
  const cases: readonly [string, World, Connection][] = [
    ['eBPF', { ...closed, dataplane: 'bpf' }, fromWindows(80)],
    ['an undetected dataplane', { ...closed, dataplane: 'unknown' }, fromWindows(80)],
    [
      'a policy whose selector cannot be parsed',
      { ...closed, policies: [ingress('bad', 1, [{ action: 'Allow' }], { selector: 'a =' })] },
      fromWindows(80),
    ],
    ['a rule whose selector cannot be parsed', rules({ action: 'Allow', source: { selector: 'a =' } }), fromWindows(80)],
    ['an address nobody has', bare, tcp(at.windowsClient, '192.168.218.200', 80)],
    ['a VIP port no Service serves', bare, fromWindows(8080, at.ingressVip)],
    ['Services without kube-proxy', { ...bare, proxyMode: 'none' }, fromWindows(31110)],
    ['a NodePort on a second address outside iptables mode', { ...bare, proxyMode: 'nftables' }, fromWindows(31110, at.apiVip)],
    ['normal policy on a port IPVS takes for forwarded', { ...bare, proxyMode: 'ipvs', hostEndpoints: onAll({}) }, fromWindows(31999)],
    ['a namespace’s profile', { ...bare, hostEndpoints: onAll({}, { profiles: ['kns.default'] }) }, fromWindows(80)],
    ['families that do not meet', bare, tcp(at.windowsClient, '2001:db8::1', 80)],
  ]
  it.each(cases)('%s', (_, world, connection) => {
    const { action: found, decisions } = decide(world, connection)
    expect(found).toBe('unknown')
    expect(decisions.at(-1)?.text).toMatch(/^unknown: /)
  })
  it('IPVS: preDNAT comes first and decides', () => {
    expect(action({ ...closed, proxyMode: 'ipvs' }, fromWindows(31999))).toBe('deny')
    expect(action({ ...closed, proxyMode: 'ipvs' }, fromWindows(31110))).toBe('deny')
  })
})

describe('every verdict', () => {
  it('carries its chain of decisions', () => {
    const world = { ...bare, policies: tutorialPolicies, hostEndpoints: tutorialHostEndpoints(facts.nodes) }
    expect(decide(world, tcp(at.windowsClient, at.ws2, 31110))).toEqual({
      action: 'deny',
      decisions: [{ node: ws2.name, stage: 'preDNAT', policy: 'default-rules', rule: 3, text: 'GlobalNetworkPolicy default-rules ingress[3]: Deny' }],
    })
    expect(decide(world, tcp(at.ws1, at.ws2, 31852)).decisions.map(({ node, stage }) => [node, stage])).toEqual([
      [ws1.name, 'normal'],
      [ws2.name, 'preDNAT'],
      [ws2.name, 'service'],
      [ws2.name, 'route'],
    ])
  })
})
