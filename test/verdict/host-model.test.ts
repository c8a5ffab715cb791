import { describe, expect, it } from 'vitest'
import type { GlobalNetworkPolicy, PolicySpec } from '../../src/calico/shapes.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { felixSettings } from '../../src/verdict/felix-settings.ts'
import type { Connection, World } from '../../src/verdict/model.ts'
import { createVerdicts, decide } from '../../src/verdict/verdicts.ts'
import { worldOf } from '../../src/verdict/world.ts'
import { homeAddresses as at, homeFacts, nodeName, podOf } from '../fixtures/home-facts.ts'
import { action, bare, hostEndpoint, ingress, onAll, policy, tcp } from './world-builder.ts'

const denyAll = ingress('deny', 9, [{ action: 'Deny' }])
const closed: World = { ...bare, policies: [denyAll], hostEndpoints: onAll() }
const fromWindows = (port: number, destination: string = at.ws1) => tcp(at.windowsClient, destination, port)
const pool = { cidr: parseCidr('10.233.64.0/18'), natOutgoing: true, ipipMode: 'Never', vxlanMode: 'Never' } as const
const normal = (spec: Partial<PolicySpec>): GlobalNetworkPolicy => policy('normal', { order: 1, selector: 'has(fw)', types: ['Ingress'], ...spec })

describe('an established connection', () => {
  const old = (connection: Connection): Connection => ({ ...connection, established: true })
  it.each([
    ['before DNAT', closed, fromWindows(10250)],
    ['in normal policy', { ...closed, policies: [normal({ ingress: [{ action: 'Deny' }] })] }, fromWindows(9100)],
    ['in apply-on-forward policy', { ...closed, policies: [normal({ applyOnForward: true, ingress: [] })] }, fromWindows(31110)],
    ['in egress policy', { ...closed, policies: [normal({ types: ['Egress'], egress: [] })] }, tcp(at.ws1, at.outsider, 443)],
    ['without policy and profile', { ...closed, policies: [], hostEndpoints: onAll({}, { profiles: [] }) }, fromWindows(9100)],
  ])('survives what a fresh one does not: %s', (_, world, connection) => {
    expect(action(world, connection)).toBe('deny')
    expect(action(world, old(connection))).toBe('allow')
  })
  it('dies of doNotTrack policy, which judges every packet', () => {
    const raw = policy('raw', {
      order: 1,
      selector: 'has(fw)',
      doNotTrack: true,
      applyOnForward: true,
      types: ['Ingress'],
      ingress: [{ action: 'Deny' }],
    })
    expect(action({ ...bare, policies: [raw], hostEndpoints: onAll() }, old(fromWindows(9100)))).toBe('deny')
  })
  it('between pods dies with VXLAN, which is not tracked, and lives on in IPIP', () => {
    const pods = tcp(podOf(1), podOf(2), 80)
    expect(action({ ...closed, ipPools: [{ ...pool, vxlanMode: 'Always' }] }, old(pods))).toBe('deny')
    expect(action({ ...closed, ipPools: [{ ...pool, ipipMode: 'Always' }] }, old(pods))).toBe('allow')
    expect(action({ ...closed, ipPools: [{ ...pool, ipipMode: 'Always' }] }, pods)).toBe('deny')
  })
  it('to a Service that lost its endpoints goes on where it went, and nobody tells where', () => {
    const empty = { ...bare, services: bare.services.map((service) => ({ ...service, endpoints: [] })) }
    expect(action(empty, fromWindows(80, at.ingressVip))).toBe('deny')
    expect(action(empty, old(fromWindows(80, at.ingressVip)))).toBe('unknown')
  })
  it('says so', () => {
    expect(decide(closed, old(fromWindows(10250))).decisions[0]).toMatchObject({ node: nodeName('ws1'), stage: 'established' })
  })
})

describe('a pod that calls its own node', () => {
  const own = tcp(podOf(1), at.ws1, 9100)
  const set = (value?: string) => felixSettings(value === undefined ? [] : [{ name: 'defaultEndpointToHostAction', value }])
  it.each([
    ['Accept', 'allow'],
    ['Drop', 'deny'],
    ['Return', 'unknown'],
    [undefined, 'deny'],
  ] as const)('with DefaultEndpointToHostAction %s: %s', (value, expected) => {
    for (const world of [bare, closed]) expect(action({ ...world, felix: set(value) }, own)).toBe(expected)
  })
  it('keeps a connection that stands, and ICMPv6 is not guessed about', () => {
    expect(action({ ...bare, felix: set('Drop') }, { ...own, established: true })).toBe('allow')
  })
  it('as facts tell it', () => {
    const facts = homeFacts()
    const components = (value: string) => ({ felixSettings: [{ name: 'defaultEndpointToHostAction', value, source: 'test' }] })
    expect(worldOf({ ...facts, components: components('Drop') as never }).felix?.endpointToHost).toBe('DROP')
    expect(worldOf(facts).felix).toBeUndefined()
  })
})

describe('Felix’s settings', () => {
  const udp = (port: number, source: string = at.ws2): Connection => ({ source: parseAddress(source), destination: at.ws1, protocol: 'UDP', port })
  const shut: World = {
    ...bare,
    policies: [normal({ ingress: [{ action: 'Deny' }] })],
    hostEndpoints: onAll(),
    ipPools: [{ ...pool, vxlanMode: 'Always' }],
  }
  it('move VXLAN’s port', () => {
    const moved = { ...shut, felix: felixSettings([{ name: 'vxlanPort', value: '8472' }]) }
    expect([udp(4789), udp(8472)].map((one) => action(shut, one))).toEqual(['allow', 'deny'])
    expect([udp(4789), udp(8472)].map((one) => action(moved, one))).toEqual(['deny', 'allow'])
    const door = ingress('door', 1, [{ action: 'Allow', protocol: 'UDP', destination: { ports: [8472] } }])
    expect(action({ ...moved, policies: [door, denyAll] }, tcp(podOf(1), podOf(2), 80))).toBe('allow')
    expect(action({ ...shut, policies: [door, denyAll] }, tcp(podOf(1), podOf(2), 80))).toBe('deny')
  })
  it('tell whether WireGuard runs: told, it is not unknown any more', () => {
    expect(action(shut, udp(51820))).toBe('unknown')
    expect(action({ ...shut, felix: felixSettings([]) }, udp(51820))).toBe('deny')
    expect(action({ ...shut, felix: felixSettings([{ name: 'wireguardEnabled', value: 'true' }]) }, udp(51820, at.windowsClient))).toBe('allow')
  })
  it('carry pods in WireGuard where it is on, and as before where a node lacks it', () => {
    const on = felixSettings([{ name: 'wireguardEnabled', value: 'true' }])
    const door = ingress('door', 1, [{ action: 'Allow', protocol: 'UDP', destination: { ports: [51820] } }])
    const pods = ingress('pods', 2, [{ action: 'Allow', source: { nets: ['10.233.64.0/18'] } }])
    const across = (policies: World['policies']) =>
      action({ ...closed, ipPools: [pool], felix: on, policies: [...policies, denyAll] }, tcp(podOf(1), podOf(2), 80))
    expect(across([])).toBe('deny')
    expect(across([door])).toBe('unknown')
    expect(across([door, pods])).toBe('allow')
  })
})

describe('a Service', () => {
  const changed = (name: string, more: object): World => ({
    ...bare,
    services: bare.services.map((one) => (one.name === name ? { ...one, ...more } : one)),
  })
  const onlyOn = (index: number) => ({
    endpoints: bare.services.find(({ name }) => name === 'app1')?.endpoints.filter(({ address }) => address === podOf(index)),
  })
  it('with internalTrafficPolicy Local keeps its ClusterIP to the caller’s node', () => {
    const local = changed('app1', { internalTrafficPolicy: 'Local', ...onlyOn(2) })
    expect(action(local, tcp(at.ws2, '10.233.11.10', 80))).toBe('allow')
    expect(action(local, tcp(at.ws1, '10.233.11.10', 80))).toBe('deny')
    expect(action(local, tcp(podOf(1), '10.233.11.10', 80))).toBe('deny')
    expect(action(local, fromWindows(31110)), 'its NodePort is another matter').toBe('allow')
  })
  it('with loadBalancerSourceRanges answers on its VIP to those alone', () => {
    const narrow = changed('ingress', { loadBalancerSourceRanges: [parseCidr('192.168.218.0/24')] })
    expect(action(narrow, fromWindows(80, at.ingressVip))).toBe('allow')
    expect(action(narrow, tcp(at.outsider, at.ingressVip, 80))).toBe('deny')
    expect(action(narrow, tcp(at.outsider, at.ws1, 30880)), 'NodePorts know no ranges').toBe('allow')
    const other = changed('ingress', { loadBalancerSourceRanges: [parseCidr('fd00::/8')] })
    expect(action(other, tcp(at.outsider, at.ingressVip, 80)), 'ranges of the other family alone').toBe('allow')
  })
  it('serves NodePorts where nodePortAddresses says', () => {
    const refused = policy('normal', { order: 1, selector: 'has(fw)', types: ['Ingress'], ingress: [] })
    const world = (nodePortAddresses?: readonly string[]): World => ({
      ...{ ...bare, policies: [refused], hostEndpoints: onAll() },
      ...(nodePortAddresses === undefined ? {} : { nodePortAddresses }),
    })
    expect(action(world(), fromWindows(31110)), 'forwarded: normal policy does not see it').toBe('allow')
    expect(action(world(['10.0.0.0/8']), fromWindows(31110)), 'a host port there').toBe('deny')
    expect(action(world(['192.168.218.0/24']), fromWindows(31110))).toBe('allow')
    expect(action({ ...world(['primary']), proxyMode: 'nftables' }, fromWindows(31110))).toBe('allow')
    expect(action({ ...world(['192.168.218.189/32']), proxyMode: 'nftables' }, fromWindows(31110, at.apiVip))).toBe('allow')
  })
  it('and pods’ host ports come from the facts', () => {
    const facts = homeFacts()
    const hostPorts = [{ node: nodeName('ws1'), protocol: 'TCP' as const, hostPort: 9100, pod: podOf(1), port: 80 }]
    const world = { ...worldOf({ ...facts, hostPorts }), hostEndpoints: onAll(), policies: [normal({ ingress: [] })] }
    expect(action(world, fromWindows(9100)), 'forwarded to the pod').toBe('allow')
    expect(action({ ...world, hostPorts: [] }, fromWindows(9100))).toBe('deny')
  })
})

describe('IPVS', () => {
  const forward = policy('forward', { order: 1, selector: 'has(fw)', applyOnForward: true, types: ['Ingress'], ingress: [] })
  it('may not show HostEndpoint * what comes in to be forwarded; a named one sees it', () => {
    const star = (proxyMode: World['proxyMode']): World => ({
      ...bare,
      proxyMode,
      policies: [forward],
      hostEndpoints: onAll({ fw: '1' }, { interfaceName: '*' }),
    })
    expect(action(star('iptables'), fromWindows(31110))).toBe('deny')
    expect(action(star('ipvs'), fromWindows(31110))).toBe('unknown')
    expect(action({ ...star('ipvs'), hostEndpoints: bare.nodes.map((node) => hostEndpoint(node)) }, fromWindows(31110))).toBe('deny')
  })
  it('hides no preDNAT policy', () => {
    expect(action({ ...closed, proxyMode: 'ipvs' }, fromWindows(31110))).toBe('deny')
    expect(createVerdicts({ ...closed, proxyMode: 'ipvs' })(fromWindows(31999)).decisions.at(-1)?.policy).toBe('deny')
  })
})
