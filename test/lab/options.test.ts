import { expect, test } from 'vitest'
import { layoutOf, podOn } from './layout.ts'
import { defaultVariant, parseVariant, variantName } from './options.ts'
import { formatTarget, parseTarget } from './packets/protocol.ts'

test('no flags give the default variant', () => {
  expect(parseVariant([])).toEqual(defaultVariant)
  expect(variantName(parseVariant(['--nodes', '5', '--proxy', 'nftables', '--felix', 'native', '--flavour', 'aggregated']))).toBe(
    'home5-nftables-native-aggregated',
  )
})

test.each([
  [['--proxy', 'ipvs'], /--proxy takes iptables \| nftables/],
  [['--nodes', '1'], /--nodes takes 2 to 5/],
  [['--nodes', 'many'], /--nodes takes 2 to 5/],
  [['--prxy', 'iptables'], /prxy/],
])('%j is refused by name', (argv, message) => {
  expect(() => parseVariant(argv)).toThrow(message)
})

test.each(['192.168.218.174:22', '192.168.218.174:9100/udp', '192.168.218.174/icmp', '[2001:db8::1]:443', '[2001:db8::1]/icmp'])(
  'target %s reads back as it is written',
  (text) => {
    expect(formatTarget(parseTarget(text))).toBe(text)
  },
)

test('a target without a port is refused', () => {
  expect(() => parseTarget('192.168.218.174')).toThrow(/is no target/)
})

test('namespaces carry the prefix, nodes keep their own names, and no two places share an address', () => {
  const layout = layoutOf({ nodes: 5 }, 'x-')
  const hosts = [...layout.nodes, ...layout.pods, ...layout.neighbours, layout.stranger]
  expect(hosts.every((host) => host.namespace.startsWith('x-'))).toBe(true)
  expect(layout.nodes.map((node) => node.fqdn)).toContain('control1.kryukov.local')
  expect(new Set(hosts.map((host) => host.address)).size).toBe(hosts.length)
})

test('veth names are the ones of the Calico CNI plugin', () => {
  const [node] = layoutOf({ nodes: 2 }, '').nodes
  if (node === undefined) throw new Error('no node')
  // printf %s default.app1-control1 | sha1sum | cut -c1-11
  expect(podOn(node, 'app1-control1', 'default', '10.233.64.2', {}, '').veth).toBe('cali6d34dac6869')
})
