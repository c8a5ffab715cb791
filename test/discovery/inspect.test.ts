import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { sectionsOf } from '../../src/cluster/kubeconfig/sections.ts'
import type { PodCommand, RunInPod } from '../../src/cluster/pods/exec.ts'
import { formatFacts, parseFacts } from '../../src/discovery/facts-file.ts'
import { defaultRoutesIn, interfacesIn } from '../../src/discovery/inspect-interfaces.ts'
import { filterTable } from '../../src/discovery/inspect-iptables.ts'
import { chainsIn, nftInputRules } from '../../src/discovery/inspect-nft.ts'
import { inspectNodes } from '../../src/discovery/inspect-nodes.ts'
import { unseenOfNodes, withInspection } from '../../src/discovery/with-inspections.ts'
import { FwError } from '../../src/errors.ts'
import type { NodeFacts } from '../../src/firewall/facts/facts.ts'
import type { Inspection } from '../../src/firewall/facts/inspection.ts'
import { explainInterfaces } from '../../src/firewall/facts/inspection-words.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'

/** What real nodes printed: iproute2 6.1.0, iptables 1.8.9, nftables 1.0.6, kube-proxy 1.36 and Felix 3.32.1. */
const output = (name: string): string => readFileSync(new URL(`./outputs/${name}`, import.meta.url), 'utf8')

const link = (ifname: string, kind: string | undefined, more: object = {}) => ({
  ifname,
  link_type: 'ether',
  flags: ['UP', 'LOWER_UP'],
  ...(kind === undefined ? {} : { linkinfo: { info_kind: kind } }),
  ...more,
})
const holding = (...addresses: string[]) => ({
  addr_info: addresses.map((text) => ({ local: text.replace(/\/.*/, ''), prefixlen: Number(text.replace(/.*\//, '')) })),
})

describe('interfaces', () => {
  test('of a node that carries two VIPs: those float, and the address the cluster knows does not', () => {
    expect(interfacesIn(output('addr-control1.json'))?.find(({ name }) => name === 'ens160')).toEqual({
      name: 'ens160',
      kind: 'veth',
      up: true,
      addresses: [
        { address: '192.168.218.171', prefix: 24 },
        { address: '192.168.218.189', prefix: 32, floating: true },
        { address: '192.168.218.180', prefix: 32, floating: true },
        { address: 'fe80::30a7:d2ff:fe3b:556a', prefix: 64 },
      ],
    })
  })

  test('of a bridge without a carrier, with its port', () => {
    const found = interfacesIn(output('addr-bridge.json'))
    expect(found?.find(({ name }) => name === 'br0')).toMatchObject({ kind: 'bridge', up: false, members: ['v1'] })
    expect(found?.find(({ name }) => name === 'v1')).toMatchObject({ kind: 'veth', master: 'br0' })
  })

  // In iproute2's form (ip/ipaddress.c, print_linkinfo); a kernel with bonding, VLAN and VRF prints these.
  test('of a VLAN on a bond in a VRF, with names cleaned and what ip filtered away left out', () => {
    const printed = [
      {},
      link('eno1', undefined, { master: 'bond0' }),
      link('eno2', undefined, { master: 'bond0' }),
      link('bond0', 'bond', { linkinfo: { info_kind: 'bond', info_data: { mode: '802.3ad' } } }),
      link('bond0.100@bond0', 'vlan', {
        link: 'bond0',
        master: 'red',
        linkinfo: { info_kind: 'vlan', info_data: { protocol: '802.1Q', id: 100 } },
        ...holding('10.0.0.5/24'),
      }),
      link('red', 'vrf'),
      link('tunl0', 'ipip', { link_type: 'ipip' }),
    ]
    const found = interfacesIn(JSON.stringify(printed)) ?? []
    expect(found.map(({ name, kind }) => [name, kind])).toEqual([
      ['eno1', 'nic'],
      ['eno2', 'nic'],
      ['bond0', 'bond'],
      ['bond0.100', 'vlan'],
      ['red', 'vrf'],
      ['tunl0', 'tunnel'],
    ])
    expect(found[2]).toMatchObject({ members: ['eno1', 'eno2'] })
    expect(found[3]).toMatchObject({ parent: 'bond0', vlanId: 100, master: 'red' })
  })

  // Found in review: iproute2 prints `"link": null` for a device on none (lib/utils.c, print_null), and one tunl0 took every interface of the node with it.
  test.each<[string, object]>([
    ['tunl0@NONE', { link: null, link_type: 'ipip', linkinfo: { info_kind: 'ipip', info_data: { remote: 'any', ttl: 0 } } }],
    ['one whose fields are null', { link: null, master: null, link_type: null, flags: null, linkinfo: null, addr_info: null }],
    [
      'one whose fields are of types not known here',
      { link: 3, master: {}, link_type: [], flags: 'UP', linkinfo: 'x', addr_info: [null, { local: 1 }] },
    ],
  ])('%s stands beside the others', (_, odd) => {
    const printed = [link('ens160', undefined, holding('192.168.218.171/24')), { ifname: 'odd0', ...odd }, { ifindex: 9 }]
    const found = interfacesIn(JSON.stringify(printed))
    expect(found?.map(({ name }) => name)).toEqual(['ens160', 'odd0'])
    expect(found?.[0]?.addresses).toEqual([{ address: '192.168.218.171', prefix: 24 }])
    expect(found?.[1]).not.toHaveProperty('parent')
  })

  test.each(['', 'Option "-j" is unknown', '{}', '[{"name": "eth0"}]'])('%j is no list of interfaces', (text) => {
    expect(interfacesIn(text)).toBeUndefined()
  })

  test('default routes by metric; nothing printed is none, garbage is not', () => {
    const routes = [
      { dst: 'default', gateway: '10.0.0.1', dev: 'wlan0', metric: 600, flags: [] },
      { dst: 'default', gateway: '192.168.218.1', dev: 'ens160', flags: [] },
    ]
    expect(defaultRoutesIn(JSON.stringify(routes), 4)).toEqual([
      { family: 4, device: 'ens160', via: '192.168.218.1' },
      { family: 4, device: 'wlan0', via: '10.0.0.1' },
    ])
    expect(defaultRoutesIn(JSON.stringify([{ dst: null, gateway: null, dev: 'ppp0' }, { dst: 'default', dev: null }, ...routes]), 4)).toHaveLength(3)
    expect(defaultRoutesIn('', 6)).toEqual([])
    expect(defaultRoutesIn('Error', 6)).toBeUndefined()
  })
})

describe("the node's own INPUT rules", () => {
  const filter = (text: string) => filterTable({ backend: 'iptables-legacy', family: 4, text })

  test('a ufw and fail2ban beside Calico and kube-proxy: found by walking INPUT, each with the way to it', () => {
    const { hasCalico, hasKubeProxy, hostInput } = filter(output('filter-ufw.txt'))
    expect({ hasCalico, hasKubeProxy }).toEqual({ hasCalico: true, hasKubeProxy: true })
    expect(hostInput.map(({ chain, text, bypassed }) => [chain, text, bypassed])).toEqual([
      ['INPUT -> ufw-before-input -> ufw-user-input', '-A ufw-user-input -p tcp -m tcp --dport 31999 -j DROP', true],
      ['INPUT -> f2b-sshd', '-A f2b-sshd -s 203.0.113.77/32 -j REJECT --reject-with icmp-port-unreachable', true],
    ])
  })

  test.each<[string, string[], string[]]>([
    ['a policy', [':INPUT DROP [3:180]'], ['-P INPUT DROP']],
    [
      'a drop outside Calico’s backend is not bypassed, and still told',
      [':INPUT ACCEPT [0:0]', '-A INPUT -p tcp --dport 9100 -j DROP'],
      ['-A INPUT -p tcp --dport 9100 -j DROP'],
    ],
    [
      'with counters',
      [':INPUT ACCEPT [0:0]', '[12:720] -A INPUT -i eth1 -j REJECT --reject-with tcp-reset'],
      ['-A INPUT -i eth1 -j REJECT --reject-with tcp-reset'],
    ],
    ['goto', [':INPUT ACCEPT [0:0]', ':own - [0:0]', '-A INPUT -g own', '-A own -j DROP'], ['-A own -j DROP']],
    [
      'kube-router',
      [':INPUT ACCEPT [0:0]', ':KUBE-ROUTER-INPUT - [0:0]', '-A INPUT -j KUBE-ROUTER-INPUT', '-A KUBE-ROUTER-INPUT -j REJECT'],
      ['-A KUBE-ROUTER-INPUT -j REJECT'],
    ],
    [
      'chains nothing leads to, and other hooks',
      [':INPUT ACCEPT [0:0]', ':FORWARD DROP [0:0]', ':own - [0:0]', '-A own -j DROP', '-A FORWARD -j DROP'],
      [],
    ],
    [
      'what Calico drops as well',
      [':INPUT ACCEPT [0:0]', '-A INPUT -m conntrack --ctstate INVALID -j DROP', '-A INPUT -m state --state INVALID -j DROP'],
      [],
    ],
    [
      'everything but INVALID',
      [':INPUT ACCEPT [0:0]', '-A INPUT -m conntrack ! --ctstate INVALID -j DROP'],
      ['-A INPUT -m conntrack ! --ctstate INVALID -j DROP'],
    ],
    ['kubelet’s and kube-proxy’s', [':INPUT ACCEPT [0:0]', ':KUBE-FIREWALL - [0:0]', '-A INPUT -j KUBE-FIREWALL', '-A KUBE-FIREWALL -j DROP'], []],
    [
      'a loop that cannot be',
      [':INPUT ACCEPT [0:0]', ':a - [0:0]', ':b - [0:0]', '-A INPUT -j a', '-A a -j b', '-A b -j a', '-A b -j DROP'],
      ['-A b -j DROP'],
    ],
    ['no filter table at all', [], []],
  ])('%s', (_, lines, expected) => {
    expect(filter(lines.join('\n')).hostInput.map(({ text }) => text)).toEqual(expected)
  })

  test('firewalld in nftables: in words, and never bypassed', () => {
    expect(chainsIn(output('nft-chains.json'))).toEqual({
      hasCalico: false,
      hasKubeProxy: false,
      foreignInput: [{ family: 'inet', table: 'firewalld' }],
    })
    expect(nftInputRules(output('nft-firewalld.json'))).toEqual([
      {
        backend: 'nftables',
        family: 'inet',
        chain: 'inet firewalld -> filter_INPUT -> filter_IN_public',
        text: 'ip saddr 203.0.113.0/24 tcp dport 8080 drop',
        bypassed: false,
      },
      { backend: 'nftables', family: 'inet', chain: 'inet firewalld -> filter_INPUT', text: 'reject with icmpx admin-prohibited', bypassed: false },
    ])
  })

  test('a verdict map leads on, a policy counts, and tables of iptables-nft, Calico and kube-proxy are not listed again', () => {
    const chain = (family: string, table: string, name: string, base = false, policy = 'accept') => ({
      chain: { family, table, name, handle: 1, ...(base ? { type: 'filter', hook: 'input', prio: 0, policy } : {}) },
    })
    const json = JSON.stringify({
      nftables: [
        chain('ip', 'filter', 'INPUT', true, 'drop'),
        chain('ip', 'calico', 'filter-INPUT', true),
        chain('ip6', 'kube-proxy', 'filter-input', true),
        chain('inet', 'own', 'in', true, 'drop'),
        chain('inet', 'own', 'ssh'),
        {
          rule: {
            family: 'inet',
            table: 'own',
            chain: 'in',
            expr: [{ vmap: { key: { payload: { protocol: 'tcp', field: 'dport' } }, data: { set: [[22, { jump: { target: 'ssh' } }]] } } }],
          },
        },
        { rule: { family: 'inet', table: 'own', chain: 'ssh', expr: [{ drop: null }] } },
      ],
    })
    expect(chainsIn(json)).toEqual({ hasCalico: true, hasKubeProxy: true, foreignInput: [{ family: 'inet', table: 'own' }] })
    expect(
      nftInputRules(json)
        ?.filter(({ chain: way }) => way.startsWith('inet'))
        .map(({ chain: way, text }) => [way, text]),
    ).toEqual([
      ['inet own -> in -> ssh', 'drop'],
      ['inet own -> in', 'policy drop'],
    ])
  })
})

/** A node's answer made of sections, `[name, text, code]`. */
const answer = (...sections: (readonly [string, string, number?])[]): string =>
  sections.map(([name, text, code = 0]) => `@@ ${name}\n${text}\n\n@@ end ${code}\n`).join('')
const clean = [
  ['addr', output('addr-control1.json')],
  ['route4', '[{"dst":"default","gateway":"192.168.218.1","dev":"ens160","flags":[]}]'],
  ['route6', '[]'],
  ['legacy4', ':INPUT ACCEPT [0:0]\n:cali-INPUT - [0:0]\n:KUBE-SERVICES - [0:0]\n-A INPUT -j cali-INPUT'],
  ['nft4', ''],
  ['nft6', ''],
  ['chains', '{"nftables": []}'],
  ['sysctl.net/ipv4/conf/all/route_localnet', '1'],
] as const
const home = homeFacts()
const now = () => new Date('2026-11-23T09:00:00Z')
const nodeAt = (nodes: readonly NodeFacts[], short: string) => nodes.find(({ name }) => name === nodeName(short)) as NodeFacts

describe('looking into nodes', () => {
  const answering = (of: (run: PodCommand) => string) => {
    const asked: PodCommand[] = []
    const run: RunInPod = async (command) => {
      asked.push(command)
      return { stdout: of(command), stderr: '', exitCode: 0 }
    }
    return { run, asked }
  }

  test('one command each, in calico-node, with a deadline; what it found becomes the node’s, VIPs aside, and can be saved', async () => {
    const { run, asked } = answering(() => answer(...clean))
    const [control1] = home.nodes
    const { found, missing } = await inspectNodes(home.nodes.slice(0, 1), run, { now })
    expect([asked.length, missing.size]).toEqual([1, 0])
    expect(asked[0]).toMatchObject({ namespace: 'calico-system', pod: 'calico-node-control1', container: 'calico-node', timeoutMs: 8_000 })
    const node = withInspection(control1 as NodeFacts, found.get(nodeName('control1')) as Inspection)
    expect(node).toMatchObject({
      interfaces: [{ name: 'ens160', addresses: ['192.168.218.171'], source: 'exec in Pod calico-system/calico-node-control1' }],
      otherAddresses: [],
      networks: ['192.168.218.0/24'],
      inspected: {
        at: '2026-11-23T09:00:00.000Z',
        nodeInterface: 'ens160',
        hostInput: [],
        backends: { calico: ['iptables-legacy'], kubeProxy: ['iptables-legacy'] },
        sysctls: { 'net.ipv4.conf.all.route_localnet': '1' },
        unseen: [],
      },
    })
    expect(unseenOfNodes({ found, missing })).toEqual([])
    const facts = { ...home, nodes: [node, ...home.nodes.slice(1)] }
    expect(parseFacts(formatFacts(facts))).toEqual(facts)
  })

  test('foreign nftables tables cost a second command', async () => {
    const sections = clean.map(([name, text]) => (name === 'chains' ? ([name, output('nft-chains.json')] as const) : ([name, text] as const)))
    const { run, asked } = answering(({ command }) =>
      command[2]?.includes('list table') ? answer(['inet.firewalld', output('nft-firewalld.json')]) : answer(...sections),
    )
    const { found } = await inspectNodes(home.nodes.slice(0, 1), run, { now })
    expect(asked).toHaveLength(2)
    expect(found.get(nodeName('control1'))?.hostInput).toHaveLength(2)
  })

  test.each<[string, readonly (readonly [string, string, number?])[], string]>([
    ['an image without nft', clean.map((one) => (one[0] === 'chains' ? ['chains', '', 127] : one)), 'nft -j list chains: the image does not have it'],
    ['a command that hangs', clean.map((one) => (one[0] === 'nft4' ? ['nft4', '', 124] : one)), 'iptables-nft-save: it took longer than 5 s'],
    ['no answer at all', [], 'iptables-nft-save: the node gave no answer to it'],
  ])('%s leaves the rules unseen, and says why', async (_, sections, why) => {
    const inspections = await inspectNodes(home.nodes.slice(0, 1), answering(() => answer(...sections)).run, { now })
    const kind = why.startsWith('nft') ? 'other' : 'host-input-rules'
    const what = why.startsWith('nft') ? 'nftables rules' : 'INPUT rules'
    expect(unseenOfNodes(inspections)[0]).toEqual({ kind, what: `${what} of ${nodeName('control1')}`, why, nodes: [nodeName('control1')] })
  })

  // Found in review: interfaces nobody could read were told by no word, since only the rules' reasons were kept.
  test('interfaces that cannot be read are unseen', async () => {
    const sections = clean.map(([name, text]) => [name, name === 'addr' ? 'Option "-j" is unknown' : text] as const)
    const inspections = await inspectNodes(home.nodes.slice(0, 1), answering(() => answer(...sections)).run, { now })
    expect(unseenOfNodes(inspections)).toEqual([
      {
        kind: 'interfaces',
        what: `interfaces of ${nodeName('control1')}`,
        why: 'ip -j -d addr: its output is no list of interfaces',
        nodes: [nodeName('control1')],
      },
    ])
  })

  test('of very many rules those that Calico would open are kept', async () => {
    const bans = Array.from({ length: 80 }, (_, at) => `-A INPUT -s 203.0.113.${at}/32 -j DROP`)
    const sections = [
      ...clean.filter(([name]) => !['legacy4', 'nft4'].includes(name)),
      ['legacy4', [':INPUT ACCEPT [0:0]', ...bans].join('\n')] as const,
      ['nft4', ':INPUT ACCEPT [0:0]\n:cali-INPUT - [0:0]\n-A INPUT -p tcp --dport 9100 -j DROP'] as const,
    ]
    const { found } = await inspectNodes(home.nodes.slice(0, 1), answering(() => answer(...sections)).run, { now })
    const inspection = found.get(nodeName('control1'))
    expect([inspection?.hostInput?.length, inspection?.hostInputTotal, inspection?.hostInput?.filter(({ bypassed }) => bypassed).length]).toEqual([
      50, 81, 1,
    ])
  })

  test('output cut off in the middle is told from a short one', () => {
    expect(sectionsOf('@@ a\n1\n\n@@ end 0\n@@ b\n2')).toEqual(
      new Map([
        ['a', { text: '1', code: 0 }],
        ['b', { text: '2', code: -1 }],
      ]),
    )
  })

  test('without the right nobody else is asked; one node that fails is named alone', async () => {
    let asked = 0
    const forbidden: RunInPod = async () => {
      asked++
      throw new FwError('FW_FORBIDDEN', 'no')
    }
    const all = await inspectNodes(home.nodes, forbidden, { now, concurrency: 1 })
    expect(asked).toBe(1)
    expect(unseenOfNodes(all)).toEqual([
      {
        kind: 'host-input-rules',
        what: `INPUT rules of ${['control1', 'ws1', 'ws2'].map(nodeName).join(', ')} and 2 more`,
        why: 'the right to create pods/exec is missing',
        nodes: home.nodes.map(({ name }) => name),
      },
    ])
    const silent: RunInPod = async ({ pod }) => {
      if (pod === 'calico-node-ws1') throw new FwError('FW_TIMEOUT', 'no answer in 8 s')
      return { stdout: answer(...clean), stderr: '', exitCode: 0 }
    }
    const most = await inspectNodes(home.nodes, silent, { now })
    expect([most.found.size, [...most.missing]]).toEqual([4, [[nodeName('ws1'), 'no answer in 8 s']]])
  })

  test('without exec a short pod looks, where it may; without that, both rights are named', async () => {
    const forbidden: RunInPod = async () => {
      throw new FwError('FW_FORBIDDEN', 'no')
    }
    const { run: runInHostPod, asked } = answering(() => answer(...clean))
    const { found, missing } = await inspectNodes(home.nodes, forbidden, { now, runInHostPod })
    expect([found.size, missing.size, asked.length]).toEqual([5, 0, 5])
    expect(asked[0]?.timeoutMs).toBe(24_000)
    expect(found.get(nodeName('ws1'))?.source).toBe('a short pod beside calico-system/calico-node-ws1')
    const neither = await inspectNodes(home.nodes, forbidden, { now, runInHostPod: forbidden })
    expect([...new Set(neither.missing.values())]).toEqual(['the rights to create pods/exec and pods are missing'])
  })

  test('Windows, NotReady and nodes without calico-node are named; above the limit the control plane comes first', async () => {
    const { run, asked } = answering(() => answer(...clean))
    const { calicoNode: _, ...bare } = nodeAt(home.nodes, 'ws1')
    const windows = { ...nodeAt(home.nodes, 'ws2'), operatingSystem: 'windows' }
    const late = { ...nodeAt(home.nodes, 'ws3'), ready: false }
    const { missing } = await inspectNodes([bare, windows, late], run, { now })
    expect([...missing.values()]).toEqual(['it has no calico-node pod', 'it runs windows', 'it is not Ready'])
    const reversed = [...home.nodes].reverse()
    const few = await inspectNodes(reversed, run, { now, limit: 2 })
    expect(asked.map(({ pod }) => pod)).toEqual(['calico-node-control1', 'calico-node-ws4'])
    expect(few.missing.get(nodeName('ws1'))).toBe('only 2 nodes are looked into')
  })

  test('an abort ends it', async () => {
    const stop = new AbortController()
    const run: RunInPod = async () => {
      stop.abort(new Error('Ctrl-C'))
      return { stdout: '', stderr: '', exitCode: 0 }
    }
    await expect(inspectNodes(home.nodes, run, { now, signal: stop.signal, concurrency: 1 })).rejects.toThrow('Ctrl-C')
  })
})

describe('interfaces in words', () => {
  const inspection = (interfaces: Inspection['interfaces'], nodeInterface?: string, more: Partial<Inspection> = {}): Inspection => ({
    ...{ at: '', source: '', interfaces, defaultRoutes: [], backends: { calico: [], kubeProxy: [] }, sysctls: {}, unseen: [] },
    ...(nodeInterface === undefined ? {} : { nodeInterface }),
    ...more,
  })
  const one = (name: string, kind: Inspection['interfaces'][number]['kind'], more: object = {}) => ({ name, kind, up: true, addresses: [], ...more })

  test.each<[string, Inspection, RegExp[]]>([
    ['a plain NIC needs no words', inspection([one('ens160', 'nic')], 'ens160'), []],
    [
      'a bond',
      inspection([one('bond0', 'bond', { members: ['eno1', 'eno2'] })], 'bond0'),
      [/^bond0 joins eno1 and eno2: a HostEndpoint names bond0/],
    ],
    ['a VLAN', inspection([one('eno1.100', 'vlan', { parent: 'eno1', vlanId: 100 })], 'eno1.100'), [/VLAN 100 on eno1.*would not see/]],
    ['a VRF', inspection([one('eno1', 'nic', { master: 'red' }), one('red', 'vrf')], 'eno1'), [/in VRF red.*not been tried/]],
    [
      'a bridge port with the address',
      inspection([one('eno1', 'nic', { master: 'br0' }), one('br0', 'bridge', { members: ['eno1'] })], 'eno1'),
      [/^eno1 belongs to br0/],
    ],
    ['nobody holds the address', inspection([one('eth0', 'nic')]), [/^no interface holds/]],
  ])('%s', (_, of, words) => {
    const said = explainInterfaces(of)
    expect(said).toHaveLength(words.length)
    for (const [at, pattern] of words.entries()) expect(said[at]).toMatch(pattern)
  })

  test('a second way in and a VIP', () => {
    const control1 = interfacesIn(output('addr-control1.json')) ?? []
    const [vip] = control1.find(({ name }) => name === 'ens160')?.addresses ?? []
    const second = one('ens224', 'nic', { addresses: vip === undefined ? [] : [vip] })
    const said = explainInterfaces(
      inspection([...control1, second], 'ens160', {
        defaultRoutes: [
          { family: 4, device: 'ens160' },
          { family: 4, device: 'ens224' },
        ],
      }),
    )
    expect(said).toEqual([
      'ens224 carries a default route too: what comes in by it is not closed by a HostEndpoint on ens160',
      "192.168.218.189 on ens160, 192.168.218.180 on ens160 may move to another node: taken for a VIP, not for the node's own",
    ])
  })
})
