import { describe, expect, it } from 'vitest'
import type { HostEndpoint, Rule } from '../../src/calico/shapes.ts'
import type { HostPortFacts } from '../../src/firewall/facts/facts.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import type { Connection, World } from '../../src/verdict/model.ts'
import { decide } from '../../src/verdict/verdicts.ts'
import { homeAddresses as at, nodeName, podOf } from '../fixtures/home-facts.ts'
import { action, bare, ingress, onAll, policy, tcp } from './world-builder.ts'

const denyAll = ingress('deny', 9, [{ action: 'Deny' }])
const fromWindows = (port: number, destination: string = at.ws1) => tcp(at.windowsClient, destination, port)

describe('a host port', () => {
  const published: HostPortFacts = { node: nodeName('ws1'), protocol: 'TCP', hostPort: 8080, pod: podOf(1), port: 80 }
  const world = (more: Partial<World> = {}): World => ({ ...bare, hostPorts: [published], hostEndpoints: onAll(), ...more })
  const normal = (rules: readonly Rule[], applyOnForward = false) =>
    policy('normal', { order: 1, selector: 'has(fw)', types: ['Ingress'], applyOnForward, ingress: rules })

  it('leads to its pod: normal policy of the host never sees it', () => {
    expect(action(world({ policies: [normal([{ action: 'Deny' }])] }), fromWindows(8080))).toBe('allow')
    expect(action(world({ policies: [normal([{ action: 'Deny' }])] }), fromWindows(8081)), 'a host process').toBe('deny')
  })
  it('is closed by preDNAT policy under its own number, and by forward policy under the pod’s', () => {
    expect(action(world({ policies: [denyAll] }), fromWindows(8080))).toBe('deny')
    const onPod = (port: number) => normal([{ action: 'Deny', protocol: 'TCP', destination: { ports: [port] } }, { action: 'Allow' }], true)
    expect(action(world({ policies: [onPod(80)] }), fromWindows(8080))).toBe('deny')
    expect(action(world({ policies: [onPod(8080)] }), fromWindows(8080))).toBe('allow')
  })
  it('answers on its node alone, and on its hostIP alone', () => {
    const open = { policies: [normal([{ action: 'Deny' }])] }
    expect(action(world(open), fromWindows(8080, at.ws2))).toBe('deny')
    expect(action(world({ ...open, hostPorts: [{ ...published, hostIP: at.ws2 }] }), fromWindows(8080))).toBe('deny')
    expect(action(world({ ...open, hostPorts: [{ ...published, hostIP: at.ws1 }] }), fromWindows(8080))).toBe('allow')
    expect(decide(world(), fromWindows(8080)).decisions.map(({ text }) => text)).toContainEqual(
      `host port 8080 of ${nodeName('ws1')}: to ${podOf(1)}:80`,
    )
  })
})

describe('a healthCheckNodePort', () => {
  const services = bare.services.map((service) => (service.name === 'app1-local' ? { ...service, healthCheckNodePort: 32100 } : service))
  const world = (rules: readonly Rule[]): World => ({
    ...bare,
    services,
    hostEndpoints: onAll(),
    policies: [policy('normal', { order: 1, selector: 'has(fw)', types: ['Ingress'], ingress: rules })],
  })
  it('is a process of the host: normal policy decides, as it does not for the NodePort beside it', () => {
    expect(action(world([{ action: 'Deny' }]), fromWindows(32100))).toBe('deny')
    expect(action(world([{ action: 'Deny' }]), fromWindows(31852))).toBe('allow')
    expect(action(world([{ action: 'Allow' }]), fromWindows(32100))).toBe('allow')
  })
})

describe('doNotTrack', () => {
  const untracked = (spec: { ingress?: readonly Rule[]; egress?: readonly Rule[] }, name = 'untracked') =>
    policy(name, {
      ...{ order: 1, selector: 'has(fw)', doNotTrack: true, applyOnForward: true },
      types: [...(spec.ingress === undefined ? [] : ['Ingress' as const]), ...(spec.egress === undefined ? [] : ['Egress' as const])],
      ...spec,
    })
  const world = (...policies: World['policies']): World => ({ ...bare, policies, hostEndpoints: onAll() })
  const allow: Rule = { action: 'Allow' }
  const answers: Rule = { action: 'Allow', protocol: 'TCP', source: { ports: [9100] } }

  it('denies before everything but failsafes', () => {
    expect(action(world(untracked({ ingress: [{ action: 'Deny' }] })), fromWindows(9100))).toBe('deny')
    expect(action(world(untracked({ ingress: [{ action: 'Deny' }] })), fromWindows(22))).toBe('allow')
  })
  it('what it accepts skips preDNAT and normal policy, if the answer is accepted too', () => {
    expect(action(world(untracked({ ingress: [allow], egress: [answers] }), denyAll), fromWindows(9100))).toBe('allow')
    expect(action(world(untracked({ ingress: [allow] }), denyAll), fromWindows(9100)), 'the answer is INVALID').toBe('deny')
    expect(action(world(untracked({ ingress: [allow], egress: [{ action: 'Deny' }] })), fromWindows(9100))).toBe('deny')
  })
  it('what it does not decide goes on as if it were not there', () => {
    const other: Rule = { action: 'Allow', protocol: 'TCP', destination: { ports: [1] } }
    expect(action(world(untracked({ ingress: [other] }), denyAll), fromWindows(9100))).toBe('deny')
    expect(action(world(untracked({ ingress: [other] })), fromWindows(9100))).toBe('allow')
  })
  it('governs what a node sends', () => {
    expect(action(world(untracked({ egress: [{ action: 'Deny' }] })), tcp(at.ws1, at.outsider, 9100))).toBe('deny')
    expect(action(world(untracked({ egress: [allow] })), tcp(at.ws1, at.outsider, 9100)), 'the answer is INVALID').toBe('deny')
    expect(action(world(untracked({ egress: [allow], ingress: [answers] })), tcp(at.ws1, at.outsider, 9100))).toBe('allow')
    const udp: Rule = { action: 'Allow', protocol: 'UDP' }
    expect(action(world(untracked({ egress: [allow], ingress: [udp] })), tcp(at.ws1, at.outsider, 9100)), 'no rule takes the answer').toBe('deny')
  })
  it('meets answers on their way back', () => {
    expect(action(world(untracked({ ingress: [{ action: 'Deny' }] })), tcp(at.ws1, at.outsider, 9100))).toBe('deny')
    expect(action(world(untracked({ egress: [{ action: 'Deny' }] })), fromWindows(9100))).toBe('deny')
    expect(action(world(untracked({ egress: [{ action: 'Deny' }] })), fromWindows(22)), 'failsafes match answers').toBe('allow')
  })
  it('does nothing on HostEndpoint *', () => {
    const star = { ...world(untracked({ ingress: [{ action: 'Deny' }] })), hostEndpoints: onAll({ fw: '1' }, { interfaceName: '*' }) }
    expect(action(star, fromWindows(9100))).toBe('allow')
  })
})

describe('a named port', () => {
  const metrics = { name: 'metrics', protocol: 'TCP', port: 9100 } as const
  const world = (ports: HostEndpoint['spec']['ports'], destination: object): World => ({
    ...bare,
    policies: [ingress('named', 1, [{ action: 'Allow', protocol: 'TCP', destination: { ports: ['metrics'], ...destination } }]), denyAll],
    hostEndpoints: onAll({ fw: '1' }, ports === undefined ? {} : { ports }),
  })
  it('is a port of a HostEndpoint, at the addresses it expects, in its protocol', () => {
    expect(action(world([metrics], {}), fromWindows(9100))).toBe('allow')
    expect(action(world([metrics], {}), fromWindows(9101))).toBe('deny')
    expect(action(world([{ ...metrics, protocol: 'UDP' }], {}), fromWindows(9100))).toBe('deny')
    expect(action(world([metrics], { selector: 'has(fw)' }), fromWindows(9100))).toBe('allow')
    expect(action(world([metrics], { selector: 'has(other)' }), fromWindows(9100))).toBe('deny')
  })
})

describe('tunnels', () => {
  const pool = { cidr: parseCidr('10.233.64.0/18'), natOutgoing: true, ipipMode: 'Never', vxlanMode: 'Always' } as const
  const closed = policy('normal', { order: 1, selector: 'has(fw)', types: ['Ingress'], ingress: [{ action: 'Deny' }] })
  const open = policy('normal', { order: 1, selector: 'has(fw)', types: ['Ingress'], ingress: [{ action: 'Allow' }] })
  const world = (of: World['policies'][number]): World => ({ ...bare, ipPools: [pool], policies: [of], hostEndpoints: onAll() })
  const vxlan = (source: string): Connection => ({ source: parseAddress(source), destination: at.ws1, protocol: 'UDP', port: 4789 })
  it('between nodes pass before normal policy, from strangers they are dropped before it', () => {
    expect(action(world(closed), vxlan(at.ws2))).toBe('allow')
    expect(action(world(open), vxlan(at.windowsClient))).toBe('deny')
  })
  it('of WireGuard are unknown where policy would drop them: no object tells whether Felix runs it', () => {
    const wireguard = { ...vxlan(at.ws2), port: 51820 }
    expect(action(world(closed), wireguard)).toBe('unknown')
    expect(action(world(open), wireguard)).toBe('allow')
    expect(action({ ...world(open), policies: [denyAll] }, wireguard), 'preDNAT knows no exemption').toBe('deny')
  })
})

describe('multicast and link-local', () => {
  const vrrp = (source: string, via?: string): Connection => ({
    ...{ source: parseAddress(source), destination: parseAddress('224.0.0.18'), protocol: 112 },
    ...(via === undefined ? {} : { via }),
  })
  const closed: World = { ...bare, policies: [denyAll], hostEndpoints: onAll() }
  it('are judged at the node that is asked about', () => {
    expect(action(bare, vrrp(at.ws1, nodeName('ws2')))).toBe('allow')
    expect(action(closed, vrrp(at.ws1, nodeName('ws2')))).toBe('deny')
    expect(action(closed, vrrp(at.windowsClient, nodeName('ws2')))).toBe('deny')
    expect(action({ ...closed, hostEndpoints: onAll().slice(0, 1) }, vrrp(at.ws1, nodeName('ws2')))).toBe('allow')
  })
  it('need no receiver to leave, and egress policy may hold them back', () => {
    expect(action(closed, vrrp(at.ws1))).toBe('allow')
    expect(action({ ...bare, hostEndpoints: onAll({}, { profiles: [] }) }, vrrp(at.ws1))).toBe('deny')
  })
  it('from outside to no node in particular are nobody’s', () => {
    expect(action(closed, vrrp(at.windowsClient))).toBe('unknown')
  })
  it('are never forwarded: a link-local neighbour is received by the node itself', () => {
    const advert = {
      source: parseAddress('fe80::1'),
      destination: parseAddress('ff02::1'),
      protocol: 'ICMPv6',
      icmp: { type: 134, code: 0 },
    } as const
    expect(action(closed, { ...advert, via: nodeName('ws1') })).toBe('deny')
    const nd = ingress('nd', 1, [{ action: 'Allow', protocol: 'ICMPv6', icmp: { type: 134 } }])
    expect(action({ ...closed, policies: [nd, denyAll] }, { ...advert, via: nodeName('ws1') })).toBe('allow')
    expect(action(closed, { ...advert, destination: parseAddress('fe80::aa'), via: nodeName('ws1') })).toBe('deny')
  })
})

describe('a source port', () => {
  const world: World = {
    ...bare,
    policies: [ingress('from', 1, [{ action: 'Allow', protocol: 'TCP', source: { ports: ['1000:2000'] } }]), denyAll],
    hostEndpoints: onAll(),
  }
  it('decides where the question tells it', () => {
    expect(action(world, { ...fromWindows(9100), sourcePort: 1500 })).toBe('allow')
    expect(action(world, { ...fromWindows(9100), sourcePort: 2500 })).toBe('deny')
    expect(action(world, fromWindows(9100))).toBe('unknown')
  })
})
