import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { allowPolicies } from '../../src/firewall/allow-policy.ts'
import type { Facts, NodeFacts } from '../../src/firewall/facts.ts'
import type { AllowEntry } from '../../src/firewall/host-firewall.ts'
import type { Plan } from '../../src/firewall/plan.ts'
import { makePlan, objectsOf } from '../../src/firewall/plan-maker.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'
import { homeFirewall } from './home-firewall.ts'

const plan = (facts: Facts = homeFacts(), spec: Parameters<typeof homeFirewall>[0] = {}, change = 1): Plan =>
  makePlan({ firewall: homeFirewall(spec), facts, change, windowSeconds: 90 })
const text = (of: Plan): string => stringify(of, { compat: 'yaml-1.1', lineWidth: 0, aliasDuplicateObjects: false })
const texts = (of: Plan): string[] => of.notices.map(({ text: one }) => one)
const probesOf = (of: Plan, expected: 'open' | 'closed'): string[] => of.probes.filter(({ expect: one }) => one === expected).map(({ id }) => id)

/** The same facts with every list in another order. */
const shuffled = (value: unknown, next: () => number): unknown => {
  if (Array.isArray(value)) return inAnyOrder(value, next).map((item) => shuffled(item, next))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(inAnyOrder(Object.entries(value), next).map(([key, field]) => [key, shuffled(field, next)]))
}

const inAnyOrder = <Item>(items: readonly Item[], next: () => number): Item[] =>
  items
    .map((item) => ({ item, at: next() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item)

const withNode = (facts: Facts, name: string, change: Partial<NodeFacts>): Facts => ({
  ...facts,
  nodes: facts.nodes.map((node) => (node.name === name ? { ...node, ...change } : node)),
})

describe('the plan of the home cluster', () => {
  it('is the golden one', async () => {
    await expect(text(plan())).toMatchFileSnapshot('golden/home-plan.yaml')
  })

  it('has the same bytes for the same facts in any order', () => {
    const facts = homeFacts()
    const expected = text(plan(facts))
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (random) => {
        // Addresses of a node, sources of failsafes and ports keep their order in the cluster; everything else is a set.
        const mixed = shuffled(facts, () => random.next().value) as Facts
        expect(text(plan({ ...mixed, failsafes: facts.failsafes }))).toBe(expected)
      }),
      { numRuns: 25 },
    )
  })

  it('writes no /0, and every policy with its types and an order of its own', () => {
    const objects = objectsOf(plan())
    expect(JSON.stringify(objects)).not.toMatch(/\/0"/)
    const policies = objects.filter(({ kind }) => kind === 'GlobalNetworkPolicy').map((one) => one['spec'] as { types: string[]; order: number })
    expect(policies.map(({ types }) => types)).toEqual(policies.map(() => ['Ingress']))
    expect(new Set(policies.map(({ order }) => order)).size).toBe(policies.length)
  })
})

describe('flavours', () => {
  it.each([
    ['native', 'projectcalico.org/v3'],
    ['aggregated', 'crd.projectcalico.org/v1'],
  ] as const)('%s: both switches are written as %s, all else as v3', (flavour, group) => {
    const facts = homeFacts()
    const made = plan({ ...facts, calico: { ...facts.calico, flavour } })
    expect([made.gate.set.apiVersion, made.openSet.apiVersion]).toEqual([group, group])
    const others = objectsOf(made).filter((one) => one !== made.gate.set && one !== made.openSet && one.apiVersion.includes('projectcalico'))
    expect([...new Set(others.map(({ apiVersion }) => apiVersion))]).toEqual(['projectcalico.org/v3'])
    expect(made.probes.some(({ id }) => id === 'api-service/v3.projectcalico.org')).toBe(flavour === 'aggregated')
  })

  it('the nodes Service stands where calico-node does, and the base policy asks it there', () => {
    const facts = homeFacts()
    const made = plan({ ...facts, calico: { ...facts.calico, namespace: 'kube-system', nodePodLabels: { b: '2', a: '1' } } })
    expect(made.sets.find(({ kind }) => kind === 'Service')).toMatchObject({
      metadata: { namespace: 'kube-system' },
      spec: { clusterIP: 'None', selector: { a: '1', b: '2' }, publishNotReadyAddresses: true },
    })
    expect(JSON.stringify(made.policies[0])).toContain('{"services":{"name":"calico-fw-nodes","namespace":"kube-system"}}')
  })
})

describe('sets', () => {
  it("hold every address of every node, NotReady ones too, and API addresses that are no node's", () => {
    const facts = withNode(homeFacts(), nodeName('ws4'), {
      ready: false,
      addresses: [
        { type: 'InternalIP', address: parseAddress('192.168.218.177') },
        { type: 'ExternalIP', address: parseAddress('198.51.100.7') },
        { type: 'InternalIP', address: parseAddress('2001:db8::177') },
      ],
      otherAddresses: [{ address: parseAddress('10.233.68.1'), source: 'annotation projectcalico.org/IPv4VXLANTunnelAddr' }],
      interfaces: [
        { name: 'lo', addresses: [parseAddress('127.0.0.1'), parseAddress('::1')], source: 'ip' },
        { name: 'eth1', addresses: [parseAddress('172.16.0.4')], source: 'ip' },
      ],
    })
    const nodes = plan(facts).sets.find(({ kind, metadata }) => kind === 'GlobalNetworkSet' && metadata.name === 'calico-fw-nodes')
    expect(nodes?.['spec']).toEqual({
      nets: [
        '10.233.68.1/32',
        '172.16.0.4/32',
        '192.168.218.171/32',
        '192.168.218.174/32',
        '192.168.218.175/32',
        '192.168.218.176/32',
        '192.168.218.177/32',
        '192.168.218.189/32',
        '198.51.100.7/32',
        '2001:db8::177/128',
      ],
    })
  })

  it('may be empty of networks', () => {
    const made = plan({ ...homeFacts(), podCidrs: [], serviceCidrs: [] }, { trustedNets: [] })
    expect(made.sets.find(({ metadata }) => metadata.name === 'calico-fw-trusted')?.['spec']).toEqual({ nets: [] })
  })
})

describe('allow entries', () => {
  const rulesOf = (made: Plan, name: string) =>
    made.policies
      .filter(({ metadata }) => metadata.name.startsWith(`calico-fw-allow-${name}`))
      .map((one) => (one['spec'] as { ingress: unknown[] }).ingress)

  it('go to the set of nodes, by family, never without a destination', () => {
    const made = plan(homeFacts(), {
      allow: [
        {
          name: 'mixed',
          to: { nets: [parseCidr('10.0.0.1/32'), parseCidr('2001:db8::1/128')] },
          from: { nets: [parseCidr('10.1.0.0/16'), parseCidr('2001:db8:1::/48')] },
          traffic: [
            { protocol: 'TCP', ports: [{ first: 80, last: 90 }] },
            { protocol: 'UDP', ports: [] },
          ],
        },
        { name: 'nodes', to: { nodes: true }, traffic: [{ protocol: 'SCTP', ports: [{ first: 9, last: 9 }] }] },
      ],
    })
    expect(rulesOf(made, 'mixed')).toEqual([
      [
        { action: 'Allow', protocol: 'TCP', source: { nets: ['10.1.0.0/16'] }, destination: { nets: ['10.0.0.1/32'], ports: ['80:90'] } },
        { action: 'Allow', protocol: 'TCP', source: { nets: ['2001:db8:1::/48'] }, destination: { nets: ['2001:db8::1/128'], ports: ['80:90'] } },
        { action: 'Allow', protocol: 'UDP', source: { nets: ['10.1.0.0/16'] }, destination: { nets: ['10.0.0.1/32'] } },
        { action: 'Allow', protocol: 'UDP', source: { nets: ['2001:db8:1::/48'] }, destination: { nets: ['2001:db8::1/128'] } },
      ],
    ])
    expect(rulesOf(made, 'nodes')).toEqual([
      [
        {
          action: 'Allow',
          protocol: 'SCTP',
          destination: { selector: "calico-fw.github.io/set == 'nodes'", namespaceSelector: 'global()', ports: [9] },
        },
      ],
    ])
  })

  it('are cut at 50 ports, 256 nets and 1024 rules, and lose nothing', () => {
    const nets = Array.from({ length: 600 }, (_, at) => parseCidr(`10.${at >> 8}.${at & 255}.0/24`))
    const ports = Array.from({ length: 120 * 50 }, (_, at) => ({ first: 2 * at + 1, last: 2 * at + 1 }))
    let order = 300
    const entry: AllowEntry = { name: 'large', to: { nets }, from: { nets }, traffic: [{ protocol: 'TCP', ports }] }
    const made = allowPolicies(entry, () => order++)
    const rules = made.map(({ spec }) => spec.ingress ?? [])
    expect(rules.map((some) => some.length)).toEqual([1024, 56])
    expect(rules.flat()).toHaveLength(3 * 3 * 120)
    for (const { source, destination } of rules.flat()) {
      expect(source?.nets?.length).toBeLessThanOrEqual(256)
      expect(destination?.nets?.length).toBeLessThanOrEqual(256)
      expect(destination?.ports).toHaveLength(50)
    }
    expect(new Set(rules.flat().flatMap(({ destination }) => destination?.ports)).size).toBe(6000)
    expect(new Set(rules.flat().flatMap(({ source }) => source?.nets)).size).toBe(600)
    expect(made.map(({ metadata, spec }) => [metadata.name, spec.order])).toEqual([
      ['calico-fw-allow-large', 300],
      ['calico-fw-allow-large--2', 301],
    ])
  })
})

describe('batches', () => {
  const nodes = (workers: number, controls: number): Facts => {
    const facts = homeFacts()
    const [template] = facts.nodes
    if (template === undefined) throw new Error('no node')
    const make = (kind: string, count: number, octet: number): NodeFacts[] =>
      Array.from({ length: count }, (_, at) => {
        const address = parseAddress(`10.9.${octet}.${at + 1}`)
        const { calicoNode: _pod, ...rest } = template
        return {
          ...rest,
          name: `${kind}${String(at).padStart(3, '0')}`,
          controlPlane: kind === 'cp',
          addresses: [{ type: 'InternalIP', address }],
          interfaces: [{ name: 'ens160', addresses: [address], source: 'x' }],
        }
      })
    return { ...facts, nodes: [...make('cp', controls, 1), ...make('w', workers, 2)] }
  }

  it('workers by one, two, four, eight; then control-plane nodes one at a time', () => {
    expect(plan(nodes(20, 3)).batches.map(({ nodes: some }) => some.length)).toEqual([1, 2, 4, 8, 5, 1, 1, 1])
    expect(
      plan(nodes(20, 3))
        .batches.flatMap(({ nodes: some }) => some)
        .slice(-3),
    ).toEqual(['cp000', 'cp001', 'cp002'])
  })

  it.each([
    ['a control-plane node', '10.9.1.1', undefined, 'cp000'],
    ['a worker with the VIP', '192.168.218.189', 'w001', 'w001'],
  ])('our own path leads through %s: it comes last', (_, address, node, last) => {
    const facts = nodes(3, 3)
    const made = plan({
      ...facts,
      apiEndpoints: [{ address: parseAddress(address), port: 6443, sources: ['kubeconfig'], ...(node === undefined ? {} : { node }) }],
    })
    expect(made.batches.at(-1)).toMatchObject({ nodes: [last], title: expect.stringContaining('your own path') })
    expect(made.batches.flatMap(({ nodes: some }) => some)).toHaveLength(6)
  })

  it('this machine is a node: it comes last', () => {
    expect(plan({ ...nodes(3, 1), operatorAddresses: [parseAddress('10.9.2.1')] }).batches.at(-1)?.nodes).toEqual(['w000'])
  })

  it('NotReady nodes and nodes of other systems are not closed', () => {
    const facts = withNode(withNode(homeFacts(), nodeName('ws1'), { ready: false }), nodeName('ws2'), { operatingSystem: 'windows' })
    const made = plan(facts)
    expect(made.batches.flatMap(({ nodes: some }) => some)).toEqual(['ws3', 'ws4', 'control1'].map(nodeName))
    expect(texts(made)).toContainEqual(expect.stringMatching(/^NotReady, so not closed now: ws1\.kryukov\.local\./))
    expect(texts(made)).toContainEqual(expect.stringMatching(/^ws2\.kryukov\.local \(windows\): /))
  })
})

describe('probes', () => {
  it('ask for life lines open and everything else closed, from outside', () => {
    const made = plan()
    expect(probesOf(made, 'open').filter((id) => !/kubelet|node-|calico-node/.test(id))).toEqual([
      'kubeconfig',
      'api/192.168.218.171/6443',
      'api/192.168.218.189/7443',
      ...[171, 174, 175, 176, 177].map((last) => `tcp/192.168.218.${last}/22`),
      'tcp/192.168.218.180/80',
      'tcp/192.168.218.180/443',
      'tcp/192.168.218.189/7443',
    ])
    expect(probesOf(made, 'closed')).toHaveLength(5 * (4 + 1))
    expect(probesOf(made, 'closed').every((id) => made.probes.find((probe) => probe.id === id)?.node !== undefined)).toBe(true)
    expect(new Set(made.probes.map(({ id }) => id)).size).toBe(made.probes.length)
    for (const kind of ['kubelet', 'node-ready', 'node-lease', 'calico-node'])
      expect(made.probes.filter(({ id }) => id.startsWith(`${kind}/`))).toHaveLength(5)
  })

  it.each([
    ['a trusted machine', { operatorAddresses: [parseAddress('10.233.64.9')] }, /not applicable/],
    ['a node', { operatorAddresses: [parseAddress('192.168.218.171')] }, /not applicable/],
    ['a machine with unknown address', { operatorAddresses: [] }, /not known which address/],
  ])('from %s nothing is expected closed, and that is said', (_, change, notice) => {
    const made = plan({ ...homeFacts(), ...change })
    expect(probesOf(made, 'closed')).toEqual([])
    expect(texts(made)).toContainEqual(expect.stringMatching(notice))
  })

  it('a NodePort is open for whom an entry names, closed for others', () => {
    const entry = (net: string) =>
      ({
        allow: [
          {
            name: 'app1',
            to: { nodes: true },
            from: { nets: [parseCidr(net)] },
            traffic: [{ protocol: 'TCP', ports: [{ first: 31110, last: 31110 }] }],
          },
        ],
      }) as const
    expect(probesOf(plan(homeFacts(), entry('192.168.218.170/32')), 'open')).toContain('tcp/192.168.218.174/31110')
    expect(probesOf(plan(homeFacts(), entry('192.168.218.53/32')), 'closed')).toContain('tcp/192.168.218.174/31110')
  })

  it('a VIP the file leaves out is asked for once the last node is closed, or never while a node stays open', () => {
    const closing = plan(homeFacts(), { allow: [] }).probes.find(({ id }) => id === 'tcp/192.168.218.180/80')
    expect(closing).toMatchObject({ expect: 'closed', node: nodeName('control1') })
    const open = withNode(homeFacts(), nodeName('ws1'), { ready: false })
    expect(plan(open, { allow: [] }).probes.some(({ id }) => id === 'tcp/192.168.218.180/80')).toBe(false)
  })

  it('a port behind an interface that stays open is not expected closed', () => {
    const facts = withNode(homeFacts(), nodeName('ws1'), {
      interfaces: [
        { name: 'ens160', addresses: [], source: 'x' },
        { name: 'ens192', addresses: [parseAddress('192.168.218.174')], source: 'x' },
      ],
    })
    expect(probesOf(plan(facts), 'closed').filter((id) => id.includes('.174/'))).toEqual([])
    expect(texts(plan(facts))).toContainEqual(`Interfaces that stay open: ens192 on ${nodeName('ws1')}.`)
  })

  it('many NodePorts are shared out among the nodes', () => {
    const facts = homeFacts()
    const [, ingress] = facts.services
    if (ingress === undefined) throw new Error('no service')
    const services = [
      { ...ingress, ports: Array.from({ length: 60 }, (_, at) => ({ protocol: 'TCP' as const, port: at + 1, nodePort: 30000 + at })) },
    ]
    const closed = probesOf(plan({ ...facts, services }), 'closed').filter((id) => /\/30\d\d\d$/.test(id))
    expect(closed).toHaveLength(5 * 16)
    expect(new Set(closed.map((id) => id.split('/')[2])).size).toBe(60)
  })
})

describe('words', () => {
  it('name what closes, and for whom', () => {
    const { differences } = plan()
    expect(differences.filter(({ change }) => change === 'closes').map(({ what }) => what)).toEqual([
      `every port that comes in on ens160 of ${['control1', 'ws1', 'ws2', 'ws3', 'ws4'].map(nodeName).join(', ')} and is not named below`,
      'NodePort 30843/tcp (Service ingress-nginx/ingress) on the closed nodes',
      'NodePort 30880/tcp (Service ingress-nginx/ingress) on the closed nodes',
      'NodePort 31110/tcp (Service app1/app1) on the closed nodes',
      'NodePort 31852/tcp (Service app1/app1-local) on the closed nodes',
      '127.0.0.0/8 of these nodes, for packets that come in by wire',
    ])
    expect(differences).toContainEqual({
      change: 'stays-open',
      what: '80/tcp, 443/tcp on 192.168.218.180/32',
      forWhom: 'everyone',
      because: 'allow entry ingress',
    })
    expect(
      differences.every(({ what, forWhom, because }) => [what, forWhom, because].every((words) => words !== '' && !/undefined|\[object/.test(words))),
    ).toBe(true)
  })

  it('name a load balancer that would be cut off, and its health checks', () => {
    const facts = homeFacts()
    const services = facts.services.map((one) =>
      one.name === 'ingress' ? { ...one, healthCheckNodePort: 32100, externalTrafficPolicy: 'Local' as const } : one,
    )
    const what = plan({ ...facts, services }, { allow: [] }).differences.map((one) => one.what)
    expect(what).toContain('80/tcp (Service ingress-nginx/ingress) on 192.168.218.180')
    expect(what).toContain('health-check NodePort 32100/tcp (Service ingress-nginx/ingress) on the closed nodes')
  })

  it('say what stays open to everyone by failsafe', () => {
    expect(texts(plan())).toContain(
      'Open to everyone by failsafe, on every node, whatever the file says: 22/tcp, 179/tcp, 2379/tcp, 2380/tcp, 5473/tcp, 6443/tcp, 6666/tcp, 6667/tcp, 7443/tcp, 68/udp.',
    )
  })

  it.each<[string, Facts, RegExp]>([
    ['nodes no entry matches', homeFacts(), /^No entry of spec\.interfaces matches control1/],
    ['IPVS', { ...homeFacts(), kubeProxy: { ...homeFacts().kubeProxy, mode: 'ipvs' } }, /IPVS mode.*has not been measured/],
    ['what was not looked at', homeFacts(), /^Not looked at: INPUT rules of every node/],
    ['unverified interfaces', withNode(homeFacts(), nodeName('ws1'), { interfaces: [] }), /^Not verified.*ens160 on ws1/],
  ])('say %s', (what, facts, notice) => {
    const selector = what.startsWith('nodes no entry')
      ? {
          interfaces: [
            {
              nodeSelector: { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'DoesNotExist' as const }] },
              names: ['ens160'],
              labels: {},
            },
          ],
        }
      : {}
    expect(plan(facts, selector).notices).toContainEqual({ level: 'warning', text: expect.stringMatching(notice) })
  })

  it('say that nothing is matched at all', () => {
    const made = plan(homeFacts(), { interfaces: [{ nodeSelector: { matchLabels: { no: 'node' } }, names: ['ens160'], labels: {} }] })
    expect(made.batches).toEqual([])
    expect(made.policies.map(({ metadata }) => metadata.name)).not.toContain('calico-fw-gate-1')
    expect(texts(made)[0]).toBe('No interface of any Ready node is matched: this firewall closes nothing.')
  })
})
