import { expect, test } from 'vitest'
import type { Facts, NodeFacts } from '../../src/firewall/facts/facts.ts'
import type { Inspection } from '../../src/firewall/facts/inspection.ts'
import type { EgressEntry } from '../../src/firewall/file/host-firewall.ts'
import { nodeProbes } from '../../src/firewall/probes/node-probes.ts'
import { addressOf, parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { homeFacts } from '../fixtures/home-facts.ts'

const seen: Inspection = { at: '', source: '', interfaces: [], defaultRoutes: [], backends: { calico: [], kubeProxy: [] }, sysctls: {}, unseen: [] }
const lookedInto = (facts: Facts): Facts => ({ ...facts, nodes: facts.nodes.map((node) => ({ ...node, inspected: seen })) })
const short = (title: string): string => title.replaceAll('.kryukov.local', '')

test('nodes nobody can look into are not asked', () => {
  expect(nodeProbes(homeFacts())).toEqual([])
})

test('every pair of a small cluster, and from each node every endpoint of the API but its own', () => {
  const titles = nodeProbes(lookedInto(homeFacts({ nodes: 3 }))).map(({ title }) => short(title))
  expect(titles).toEqual([
    'control1 to the kubelet of ws1',
    'control1 to the kubelet of ws2',
    'control1 to the API at 192.168.218.189:7443',
    'ws1 to the kubelet of control1',
    'ws1 to the kubelet of ws2',
    'ws1 to the API at 192.168.218.171:6443',
    'ws1 to the API at 192.168.218.189:7443',
    'ws2 to the kubelet of control1',
    'ws2 to the kubelet of ws1',
    'ws2 to the API at 192.168.218.171:6443',
    'ws2 to the API at 192.168.218.189:7443',
  ])
})

test('Typha and cluster DNS where they are; never a second time what is the API already', () => {
  const facts = lookedInto(homeFacts({ nodes: 3 }))
  const dns = {
    ...facts.services[0],
    namespace: 'kube-system',
    name: 'kube-dns',
    clusterIPs: [parseAddress('10.233.0.3')],
    ports: [{ protocol: 'TCP', port: 53 }],
  } as Facts['services'][number]
  const typha = { address: parseAddress('192.168.218.175'), port: 5473, sources: ['EndpointSlice calico-system/calico-typha'] }
  const titles = nodeProbes({ ...facts, services: [...facts.services, dns], felixPeers: [...facts.felixPeers, typha] }).map(({ title }) =>
    short(title),
  )
  expect(titles.filter((title) => /Typha|DNS/.test(title))).toEqual([
    'control1 to Typha or the API at 192.168.218.175:5473',
    'control1 to cluster DNS at 10.233.0.3:53',
    'ws1 to Typha or the API at 192.168.218.175:5473',
    'ws1 to cluster DNS at 10.233.0.3:53',
    'ws2 to cluster DNS at 10.233.0.3:53',
  ])
})

test('each host an egress allowlist names, by its first TCP port; a network is no host', () => {
  const entry = (name: string, net: string, protocol: 'TCP' | 'UDP'): EgressEntry => ({
    ...{ name, to: { nets: [parseCidr(net)] } },
    traffic: [{ protocol, ports: [{ first: 443, last: 444 }] }],
  })
  const entries = [entry('registry', '198.51.100.7/32', 'TCP'), entry('time', '198.51.100.8/32', 'UDP'), entry('office', '198.51.100.0/24', 'TCP')]
  const titles = nodeProbes(lookedInto(homeFacts({ nodes: 3 })), entries).map(({ title }) => short(title))
  expect(titles.filter((title) => title.includes('egress'))).toEqual(
    ['control1', 'ws1', 'ws2'].map((node) => `${node} to 198.51.100.7:443 (egress entry registry)`),
  )
})

test('a big cluster is sampled: the control plane and 32 workers ask, a few questions each', () => {
  const [control, worker] = homeFacts().nodes as [NodeFacts, NodeFacts]
  const nodes = Array.from({ length: 5_000 }, (_, at): NodeFacts => {
    const of = at < 3 ? control : worker
    return { ...of, name: `n${at}`, addresses: [{ type: 'InternalIP', address: addressOf(4, 0x0a000001n + BigInt(at)) }], inspected: seen }
  })
  const probes = nodeProbes({ ...homeFacts(), nodes })
  const asking = new Set(probes.map(({ target }) => (target.kind === 'node-tcp' ? target.node : '')))
  expect(asking.size).toBe(35)
  expect(probes.length).toBeLessThanOrEqual(35 * 4)
  expect(new Set(probes.map(({ id }) => id)).size).toBe(probes.length)
})
