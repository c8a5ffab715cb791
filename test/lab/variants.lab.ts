import assert from 'node:assert/strict'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { gatePolicy } from '../../src/firewall/objects/gate.ts'
import { calicoApiVersion, felixGroup } from './cluster/crds.ts'
import { felixPid, felixReady } from './cluster/felix.ts'
import { homeFirewall, networkSetsOf, servicesWithNodes, write } from './firewall.ts'
import { arm } from './gate-parts.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { kill } from './machine/failures.ts'
import { inNamespace } from './machine/namespaces.ts'
import { startRecorded } from './machine/processes.ts'
import { until } from './machine/run.ts'
import { shapes } from './options.ts'
import { all, expectPackets, homeClosed, keyPackets, tcp, untilAnswer } from './packets/expect.ts'
import { recorder } from './record.ts'

/** Starts Calico's own controllers, for the HostEndpoints they make. */
const startKubeControllers = (lab: Lab): void => {
  const [first] = lab.layout.nodes
  const { kubeControllers } = lab.binaries
  if (first === undefined || kubeControllers === undefined) return
  // It ends when its configuration changes, and whoever runs it starts it again.
  const supervised = ['bash', '-c', 'while :; do "$0"; sleep 1; done', kubeControllers]
  startRecorded(lab.state, 'kube-controllers', inNamespace(first.namespace, supervised), {
    ...process.env,
    KUBECONFIG: lab.state.at('pki', 'calico-local.kubeconfig'),
    DATASTORE_TYPE: 'kubernetes',
    CALICO_API_GROUP: felixGroup(lab.variant.flavour),
    ENABLED_CONTROLLERS: 'node',
  })
}

const controllersConfiguration = (lab: Lab, autoCreate: 'Enabled' | 'Disabled') => ({
  apiVersion: calicoApiVersion(lab.variant.flavour),
  kind: 'KubeControllersConfiguration',
  metadata: { name: 'default' },
  spec: { controllers: { node: { hostEndpoint: { autoCreate } } } },
})

/** Calico with more of its parts than the home cluster runs. */
export const tests: readonly LabTest[] = [
  {
    name: 'the cell is what its name says: Felix programs that dataplane and no other',
    needs: ['felix'],
    shapes,
    run: async (lab) => {
      const has = async (node: string, script: string) => (await lab.exec(node, ['bash', '-c', script])).code === 0
      for (const { name } of lab.layout.nodes) {
        const seen = {
          legacy: await has(name, 'iptables-legacy-save -t filter | grep -q cali-INPUT'),
          nft: await has(name, 'iptables-nft-save -t filter 2>/dev/null | grep -q cali-INPUT'),
          native: await has(name, 'nft list table ip calico'),
        }
        const felix = Object.entries(seen).flatMap(([dataplane, there]) => (there ? [dataplane] : []))
        assert.deepEqual(felix, [lab.variant.felix], name)
        const proxy = (await has(name, 'nft list table ip kube-proxy')) ? 'nftables' : 'iptables'
        assert.equal(proxy, lab.variant.proxy, name)
      }
    },
  },
  {
    name: "auto-HostEndpoints: Calico's own `*` ones stand beside ours and stay open; ours close, and go without a trace",
    needs: ['felix', 'kube-controllers'],
    cells: ['iptables-legacy-native', 'nftables-native-native'],
    run: async (lab, tell) => {
      const { see, write: keep } = recorder(lab, 'auto-hostendpoints')
      const hostEndpointsRef = { apiVersion: calicoApiVersion(lab.variant.flavour), kind: 'HostEndpoint' }
      startKubeControllers(lab)
      try {
        await lab.api.apply(controllersConfiguration(lab, 'Enabled'))
        const listed = async () => {
          const there = await lab.api.list(hostEndpointsRef)
          return there.length === lab.layout.nodes.length ? there : undefined
        }
        const { answer: theirs, ms } = await until('auto-HostEndpoints', listed, 60_000, 100)
        tell(`made after ${(ms / 1000).toFixed(1)} s: ${theirs.map(({ metadata }) => metadata.name).join(', ')}`)
        const plain = theirs.map(({ apiVersion, kind, metadata, spec }) => ({
          apiVersion,
          kind,
          metadata: { name: metadata.name, labels: metadata['labels'] },
          spec,
        }))
        const packets = keyPackets(lab)
        await see('auto-HostEndpoints', { hostEndpoints: plain }, all(packets, 'OPEN'))
        const firewall = homeFirewall(lab)
        const hostEndpoints = firewall.hostEndpoints(1)
        const policies = [...firewall.policies, denyPolicy([1])]
        await write(lab, ...firewall.sets, ...policies, ...hostEndpoints)
        const objects = { policies, networkSets: networkSetsOf(firewall.sets), services: servicesWithNodes(lab) }
        await see(
          'and ours',
          { ...objects, hostEndpoints: [...plain, ...hostEndpoints] },
          packets.map((packet) => [packet, homeClosed(lab, packet)] as const),
        )
        await lab.api.apply(controllersConfiguration(lab, 'Disabled'))
        await until('auto-HostEndpoints to go', async () =>
          (await lab.api.list(hostEndpointsRef)).every(({ metadata }) => !metadata.name.endsWith('auto-hep')),
        )
        assert.equal((await lab.api.list(hostEndpointsRef)).length, hostEndpoints.length, "Calico's controller leaves ours alone")
        await keep()
      } finally {
        await lab.api.apply(controllersConfiguration(lab, 'Disabled'))
        await kill(lab, 'kube-controllers')
      }
    },
  },
  {
    name: 'a mix: one node on nftables among nodes on iptables closes and opens with them',
    needs: ['felix'],
    cells: ['iptables-nft-aggregated'],
    run: async (lab, tell) => {
      const ws2 = lab.node('ws2')
      const own = {
        apiVersion: calicoApiVersion(lab.variant.flavour),
        kind: 'FelixConfiguration',
        metadata: { name: `node.${ws2.fqdn}` },
        spec: { nftablesMode: 'Enabled' },
      }
      const supervisor = lab.process('felix-ws2')
      const anew = async (change: () => Promise<unknown>) => {
        const before = felixPid(supervisor)
        await change()
        await until('Felix on ws2 to start anew', async () => felixPid(supervisor) !== undefined && felixPid(supervisor) !== before, 30_000)
        await felixReady(lab, ws2)
      }
      await anew(() => lab.api.apply(own))
      try {
        const firewall = homeFirewall(lab)
        await write(lab, ...firewall.sets, ...firewall.policies, gatePolicy(1), ...firewall.hostEndpoints(1))
        const outside = lab.layout.nodes.map(({ address }) => tcp('win', address, 9100))
        const inside = ['ws1', 'ws2'].flatMap((from) => lab.layout.nodes.map(({ address }) => tcp(from, address, 10250)))
        const gate = await arm(lab, 1, 12)
        for (const packet of outside) await untilAnswer(lab, packet, 'TIMEOUT')
        await expectPackets(lab, 'armed', [...all(outside, 'TIMEOUT'), ...all(inside, 'OPEN')])
        for (const packet of outside) await untilAnswer(lab, packet, 'OPEN')
        tell(`every node open ${((Date.now() - gate.armed) / 1000).toFixed(1)} s after arming for 12`)
      } finally {
        await anew(() => lab.api.delete({ apiVersion: own.apiVersion, kind: own.kind, name: own.metadata.name }))
      }
    },
  },
  {
    name: 'Typha: Felixes that ask it see a gate close and open, and find it again while everything is closed',
    needs: ['felix'],
    shapes: ['ha'],
    cells: ['+typha-iptables-nft-native'],
    run: async (lab, tell) => {
      const firewall = homeFirewall(lab)
      await write(lab, ...firewall.sets, ...firewall.policies, gatePolicy(1), ...firewall.hostEndpoints(1))
      const packet = tcp('win', lab.node('ws1').address, 9100)
      const gate = await arm(lab, 1, 20)
      await untilAnswer(lab, packet, 'TIMEOUT')
      // A Felix that starts now must reach Typha on a closed node, by failsafe tcp/5473 or as a node.
      const supervisor = lab.process('felix-ws1')
      const before = felixPid(supervisor)
      if (before !== undefined) process.kill(before, 'SIGKILL')
      await until('Felix on ws1 to start anew', async () => felixPid(supervisor) !== before, 15_000)
      await felixReady(lab, lab.node('ws1'))
      tell(`Felix on ws1 is back ${((Date.now() - gate.armed) / 1000).toFixed(1)} s after arming`)
      await untilAnswer(lab, packet, 'OPEN', 60_000)
      tell(`open ${((Date.now() - gate.armed) / 1000).toFixed(1)} s after arming for 20`)
    },
  },
]
