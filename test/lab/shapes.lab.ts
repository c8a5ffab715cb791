import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { hostEndpoint } from '../../src/firewall/objects/host-endpoints.ts'
import { hostNets, nodeAddresses, nodesSet, trustedSet } from '../../src/firewall/objects/network-sets.ts'
import { controlPlaneNodes } from './cluster/control-plane.ts'
import { homeFirewall, networkSetsOf, servicesWithNodes, write } from './firewall.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { all, expectPackets, ping, tcp, udp } from './packets/expect.ts'
import type { Packet } from './packets/table.ts'
import { recorder } from './record.ts'
import { runTool, tail } from './tool.ts'
import { worldOf } from './truth.ts'

/** The home firewall's file for a shape's NICs. */
const firewallFile = (lab: Lab): string => {
  const { layout } = lab
  const nics = [...new Set(layout.nodes.map(({ nic }) => nic))]
  const entries = nics.map((nic) => ({
    nodeSelector: {
      matchExpressions: [
        { key: 'kubernetes.io/hostname', operator: 'In', values: layout.nodes.filter((node) => node.nic === nic).map(({ fqdn }) => fqdn) },
      ],
    },
    names: [nic],
    labels: { 'node-endpoint': 'home' },
  }))
  const vip = (name: string, address: string, ports: readonly number[]) => ({
    name,
    to: { nets: [`${address}/32`] },
    traffic: [{ protocol: 'TCP', ports }],
  })
  const file = lab.state.at('home', 'shape.yaml')
  mkdirSync(lab.state.at('home'), { recursive: true })
  const spec = {
    interfaces: entries,
    trustedNets: ['10.233.0.0/16', ...(layout.podCidr6 === undefined ? [] : ['fd00:233::/48', 'fd00:10::/112'])],
    allow: [vip('ingress', layout.loadBalancer, [80, 443]), vip('api-vip', layout.api.vip, [layout.api.vipPort])],
    extraFailsafePorts: { inbound: [{ protocol: 'TCP', port: layout.api.vipPort }] },
  }
  writeFileSync(file, JSON.stringify({ apiVersion: 'calico-fw.github.io/v1alpha1', kind: 'HostFirewall', metadata: { name: 'home' }, spec }))
  return file
}

const everyNode = (lab: Lab, from: string, port: number): Packet[] => lab.layout.nodes.map(({ address }) => tcp(from, address, port))

/** Both families of a node's address. */
const addresses = (lab: Lab, node: string): string[] => [lab.node(node).address, lab.node(node).address6].filter((address) => address !== undefined)

/** The same firewall on other clusters than the home one. */
export const tests: readonly LabTest[] = [
  {
    name: 'a shape in one sitting: init closes it, the API stays, rollback opens it',
    needs: ['felix', 'kubelet'],
    shapes: ['ha', 'two-nic', 'dual', 'odd-port'],
    run: async (lab, tell) => {
      const file = firewallFile(lab)
      const closed = ['win', 'inet'].flatMap((from) => [...everyNode(lab, from, 23), ...everyNode(lab, from, lab.layout.nodePorts.cluster)])
      const api = controlPlaneNodes(lab.layout).map(({ address }) => tcp('adm', address, lab.layout.api.port))
      const open = [
        ...api,
        tcp('adm', lab.layout.api.vip, lab.layout.api.vipPort),
        tcp('inet', lab.layout.loadBalancer, 80),
        ...lab.layout.nodes.flatMap(({ name }) => everyNode(lab, name, 10250)),
        ...everyNode(lab, 'adm', 22),
      ]
      const end = await runTool(lab, ['init', '-f', file, '--yes', '--window', '60s'])
      assert.equal(end.code, 0, tail(end.lines, 40))
      tell(`init: ${((end.ended - end.began) / 1000).toFixed(1)} s`)
      await expectPackets(lab, 'closed', [...all(closed, 'TIMEOUT'), ...all(open, 'OPEN')])
      const back = await runTool(lab, ['rollback', '--to', '0', '--yes'])
      assert.equal(back.code, 0, tail(back.lines, 40))
      await expectPackets(lab, 'rolled back', all([...closed, ...open], 'OPEN'))
    },
  },
  {
    name: 'two NICs: each is closed by its own HostEndpoint; a bridge by the name that carries the address',
    needs: ['felix'],
    shapes: ['two-nic'],
    run: async (lab) => {
      const { see, write: keep } = recorder(lab, 'two-nic')
      const firewall = homeFirewall(lab)
      const { nodes } = worldOf(lab)
      const known = nodesSet(hostNets(nodeAddresses({ nodes, apiEndpoints: [] })))
      const sets = firewall.sets.map((object) =>
        object.kind === 'GlobalNetworkSet' && object.metadata.name === known.metadata.name ? known : object,
      )
      const policies = [...firewall.policies, denyPolicy([1])]
      const first = firewall.hostEndpoints(1)
      const objects = { policies, networkSets: networkSetsOf(sets), services: servicesWithNodes(lab) }
      const seconds = lab.layout.nodes.flatMap(({ second }) => second?.address ?? [])
      const hostPorts = seconds.map((address) => tcp('stg', address, 23))
      const nodePorts = seconds.map((address) => tcp('stg', address, lab.layout.nodePorts.cluster))
      const onSecond = [...hostPorts, ...nodePorts]
      const onFirst = [...everyNode(lab, 'win', 23), ...everyNode(lab, 'win', lab.layout.nodePorts.cluster)]
      const between = ['ws1', 'ws2'].flatMap((from) => seconds.map((address) => tcp(from, address, 9100)))
      await write(lab, ...sets, ...policies, ...first)
      await see('HostEndpoints on the first NICs, one of them a bridge', { ...objects, hostEndpoints: first }, [
        ...all(onFirst, 'TIMEOUT'),
        ...all([...hostPorts, ...between], 'OPEN'),
        // kube-proxy in nftables mode serves NodePorts on a node's primary addresses alone (--nodeport-addresses, Kubernetes 1.36): let in, nobody home.
        ...all(nodePorts, lab.variant.proxy === 'nftables' ? 'REFUSED' : 'OPEN'),
      ])
      const second = nodes.map((node) => hostEndpoint({ node, interfaceName: 'ens224', labels: {}, verified: true }, 1, []))
      await write(lab, ...second)
      await see('on both', { ...objects, hostEndpoints: [...first, ...second] }, [
        ...all([...onFirst, ...onSecond], 'TIMEOUT'),
        ...all(between, 'OPEN'),
      ])
      await keep()
    },
  },
  {
    name: "a bridge's port is no interface of the node's: a HostEndpoint on it closes nothing",
    needs: ['felix'],
    shapes: ['two-nic'],
    run: async (lab) => {
      const firewall = homeFirewall(lab)
      const fact = worldOf(lab).nodes.find(({ name }) => name.startsWith('ws2'))
      if (fact === undefined) throw new Error('there is no ws2')
      const onPort = hostEndpoint({ node: fact, interfaceName: 'ens160', labels: {}, verified: false }, 1, [])
      await write(lab, ...firewall.sets, ...firewall.policies, denyPolicy([1]), onPort)
      await expectPackets(lab, 'a HostEndpoint on the port of br0', [
        [tcp('win', lab.node('ws2').address, 23), 'OPEN'],
        [tcp('win', lab.node('ws2').address, lab.layout.nodePorts.cluster), 'OPEN'],
      ])
    },
  },
  {
    name: 'dual stack: both families close and open alike',
    needs: ['felix'],
    shapes: ['dual'],
    run: async (lab) => {
      const { see, write: keep } = recorder(lab, 'dual')
      const firewall = homeFirewall(lab)
      const { nodes } = worldOf(lab)
      const sets = [
        ...firewall.sets.filter(({ kind }) => kind !== 'GlobalNetworkSet'),
        nodesSet(hostNets(nodeAddresses({ nodes, apiEndpoints: [] }))),
        trustedSet(['10.233.0.0/16', 'fd00:233::/48', 'fd00:10::/112']),
      ]
      const policies = [...firewall.policies, denyPolicy([1])]
      const hostEndpoints = firewall.hostEndpoints(1)
      const objects = { hostEndpoints, policies, networkSets: networkSetsOf(sets), services: servicesWithNodes(lab) }
      const to = addresses(lab, 'ws1')
      const host = (from: string) => to.flatMap((address) => [...[23, 9100, 10250].map((port) => tcp(from, address, port)), udp(from, address, 9100)])
      const always = to.flatMap((address) => [tcp('win', address, 22), ping('win', address)])
      const inside = ['ws2', 'control1', 'app1-ws2', 'app1-ws1'].flatMap(host)
      await see('nothing closed', {}, all([...host('win'), ...always, ...inside], 'OPEN'))
      await write(lab, ...sets, ...policies, ...hostEndpoints)
      await see('closed', objects, [...all(host('win'), 'TIMEOUT'), ...all([...always, ...inside], 'OPEN')])
      const nodePorts = to.map((address) => tcp('win', address, lab.layout.nodePorts.cluster))
      await expectPackets(lab, 'NodePorts of both families', all(nodePorts, 'TIMEOUT'))
      await keep()
    },
  },
]
