import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { InterfaceFacts, NodeFacts } from '../../src/firewall/facts/facts.ts'
import type { LabelSelector } from '../../src/firewall/file/host-firewall.ts'
import { matchesLabels } from '../../src/firewall/file/label-selector.ts'
import { hostEndpointName } from '../../src/firewall/objects/host-endpoint-name.ts'
import { expectedIPs, floatingAddresses, hostEndpoint } from '../../src/firewall/objects/host-endpoints.ts'
import { selectInterfaces } from '../../src/firewall/plan/selection.ts'
import { parseAddress } from '../../src/net/address.ts'
import { homeFacts } from '../fixtures/home-facts.ts'

const annotation = 'annotation projectcalico.org/Interfaces'
const nic = (name: string, addresses: string[] = [], source = annotation): InterfaceFacts => ({
  name,
  addresses: addresses.map(parseAddress),
  source,
})
const node = (name: string, over: Partial<NodeFacts> = {}): NodeFacts => ({
  name,
  ready: true,
  controlPlane: false,
  operatingSystem: 'linux',
  unschedulable: false,
  labels: {},
  addresses: [{ type: 'InternalIP', address: parseAddress('10.0.0.1') }],
  otherAddresses: [],
  interfaces: [nic('eth0', ['10.0.0.1'])],
  podCidrs: [],
  ...over,
})
const entry = (names: string[], nodeSelector: LabelSelector = {}, labels: Record<string, string> = {}) => ({ nodeSelector, names, labels })

describe('label selectors, as Kubernetes reads them', () => {
  it.each<[LabelSelector, Record<string, string>, boolean]>([
    [{}, {}, true],
    [{ matchLabels: { a: 'b' } }, { a: 'b', c: 'd' }, true],
    [{ matchLabels: { a: 'b' } }, { a: 'c' }, false],
    [{ matchLabels: { a: '' } }, {}, false],
    [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['b', 'c'] }] }, { a: 'c' }, true],
    [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] }, {}, false],
    [{ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['b'] }] }, {}, true],
    [{ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['b'] }] }, { a: 'b' }, false],
    [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }, { a: '' }, true],
    [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }, {}, false],
    [{ matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, { b: '' }, true],
    [{ matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, { a: '' }, false],
    [{ matchLabels: { a: 'b' }, matchExpressions: [{ key: 'c', operator: 'Exists' }] }, { a: 'b' }, false],
  ])('%j on %j: %s', (selector, labels, expected) => {
    expect(matchesLabels(selector, labels)).toBe(expected)
  })
})

describe('selectInterfaces', () => {
  it('names every node it leaves out', () => {
    const nodes = [node('c', { ready: false }), node('b', { labels: { role: 'edge' } }), node('a'), node('d', { labels: { role: 'edge' } })]
    const { interfaces, unmatched, notReady } = selectInterfaces(nodes, [
      entry(['eth0'], { matchExpressions: [{ key: 'role', operator: 'DoesNotExist' }] }),
    ])
    expect(interfaces.map((one) => `${one.node.name} ${one.interfaceName}`)).toEqual(['a eth0'])
    expect(unmatched.map(({ name }) => name)).toEqual(['b', 'd'])
    expect(notReady.map(({ name }) => name)).toEqual(['c'])
  })

  it('joins entries that match the same NIC; the later label wins', () => {
    const { interfaces } = selectInterfaces(
      [node('a', { interfaces: [nic('eth1'), nic('eth0')] })],
      [entry(['eth1', 'eth0'], {}, { x: '1', y: '1' }), entry(['eth0'], {}, { y: '2', z: '2' })],
    )
    expect(interfaces.map(({ interfaceName, labels }) => ({ interfaceName, labels }))).toEqual([
      { interfaceName: 'eth0', labels: { x: '1', y: '2', z: '2' } },
      { interfaceName: 'eth1', labels: { x: '1', y: '1' } },
    ])
  })

  it('refuses an interface a node does not have, and names those it has', () => {
    const nodes = [node('a', { interfaces: [nic('eth1'), nic('eth0')] }), node('b')]
    expect(() => selectInterfaces(nodes, [entry(['ens160'])])).toThrow(
      expect.objectContaining({
        code: 'FW_UNKNOWN_INTERFACE',
        exit: 2,
        message: 'node a has no interface "ens160" (and 1 more like it)',
        why: expect.stringContaining('it has eth0, eth1;'),
        fix: expect.stringContaining('nodeSelector'),
      }),
    )
  })

  it.each([
    ['known', [nic('ens160')], 'ens160', true],
    ['nothing known of the node', [], 'ens160', false],
    ['one Calico never lists', [nic('eth0')], 'br-ex', false],
  ])('%s: verified is %s', (_, interfaces, name, verified) => {
    expect(selectInterfaces([node('a', { interfaces })], [entry([name])]).interfaces[0]?.verified).toBe(verified)
  })

  it('believes a look into the node itself, also of what Calico never lists', () => {
    expect(() => selectInterfaces([node('a', { interfaces: [nic('eth0', [], 'ip addr in calico-node')] })], [entry(['br-ex'])])).toThrow(
      /no interface "br-ex"/,
    )
  })

  it('a NotReady node with other interfaces stops nobody', () => {
    expect(selectInterfaces([node('a', { ready: false, interfaces: [nic('wlan0')] })], [entry(['eth0'])]).interfaces).toEqual([])
  })
})

describe('HostEndpoints', () => {
  it.each([
    ['ws1.kryukov.local', 'ens160', 'ws1.kryukov.local-ens160'],
    ['a', 'eth0.100', 'a-eth0.100'],
    ['a', 'br-ex', expect.stringMatching(/^a-br-ex-[0-9a-f]{16}$/)],
    ['a', 'Eth_0', expect.stringMatching(/^a-eth-0-[0-9a-f]{16}$/)],
    ['a', 'eth0.', expect.stringMatching(/^a-eth0-[0-9a-f]{16}$/)],
    ['a', '...', expect.stringMatching(/^a-[0-9a-f]{16}$|^a[0-9a-f-]*$/)],
    [`${'n'.repeat(63)}.${'n'.repeat(63)}.${'n'.repeat(63)}.${'n'.repeat(60)}`, 'ens160', expect.stringMatching(/^n.*-[0-9a-f]{16}$/)],
  ])('%s %s', (name, interfaceName, expected) => {
    const made = hostEndpointName(name, interfaceName)
    expect(made).toEqual(expected)
    expect(made.length).toBeLessThanOrEqual(253)
    expect(made).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/)
  })

  it('no two NICs share a name', () => {
    const names = fc.tuple(
      fc.stringMatching(/^[a-c]([a-c.-]{0,4}[a-c])?$/).filter((name) => !/\.[.-]|-\./.test(name)),
      fc.stringMatching(/^[abcA._-]{1,4}$/),
    )
    fc.assert(
      fc.property(names, names, ([node1, nic1], [node2, nic2]) => {
        fc.pre(node1 !== node2 || nic1 !== nic2)
        expect(hostEndpointName(node1, nic1)).not.toBe(hostEndpointName(node2, nic2))
      }),
      { numRuns: 3000 },
    )
  })

  it("carry profile, run and the user's labels", () => {
    const [selected] = selectInterfaces([node('a')], [entry(['eth0'], {}, { zone: 'x' })]).interfaces
    if (selected === undefined) throw new Error('nothing selected')
    expect(hostEndpoint(selected, 7, [])).toEqual({
      apiVersion: 'projectcalico.org/v3',
      kind: 'HostEndpoint',
      metadata: { name: 'a-eth0', labels: { zone: 'x', 'app.kubernetes.io/managed-by': 'calico-fw', 'calico-fw.github.io/run': '7' } },
      spec: { node: 'a', interfaceName: 'eth0', expectedIPs: [], profiles: ['projectcalico-default-allow'] },
    })
  })

  it.each([
    [
      'what is seen on the NIC, sorted, without loopback',
      [nic('eth0', ['2001:db8::1', '10.0.0.9', '10.0.0.1', '::1'])],
      ['10.0.0.1', '10.0.0.9', '2001:db8::1'],
    ],
    ['nothing, where its addresses are on another NIC', [nic('eth0'), nic('eth1', ['10.0.0.1'])], []],
    ['the InternalIPs, where no addresses are seen at all', [nic('eth0')], ['10.0.0.1']],
    ['the InternalIPs, where no NICs are seen', [], ['10.0.0.1']],
    ['no VIP that floats', [nic('eth0', ['10.0.0.1', '192.168.218.180', '192.168.218.189'])], ['10.0.0.1']],
  ])('expect %s', (_, interfaces, expected) => {
    const selected = { node: node('a', { interfaces }), interfaceName: 'eth0', labels: {}, verified: true }
    expect(expectedIPs(selected, floatingAddresses(homeFacts()))).toEqual(expected)
  })

  it("an API endpoint that is the node's own address stays", () => {
    const [control1] = homeFacts().nodes
    if (control1 === undefined) throw new Error('no node')
    expect(expectedIPs({ node: control1, interfaceName: 'ens160', labels: {}, verified: true }, floatingAddresses(homeFacts()))).toEqual([
      '192.168.218.171',
    ])
  })
})
