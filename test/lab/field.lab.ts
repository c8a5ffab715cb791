import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { GlobalNetworkPolicy, NetworkSet } from '../../src/calico/shapes.ts'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { spreads } from './cells.ts'
import { homeFirewall, networkSetsOf, remove, servicesWithNodes, write } from './firewall.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { inNamespace } from './machine/namespaces.ts'
import { pause, run } from './machine/run.ts'
import { all, expectPackets, tcp, untilAnswer } from './packets/expect.ts'
import type { Packet } from './packets/table.ts'
import { recorder } from './record.ts'
import { tutorialHostEndpoints } from './tutorial.ts'

const policy = (name: string, spec: Readonly<Record<string, unknown>>): GlobalNetworkPolicy => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'GlobalNetworkPolicy',
  metadata: { name },
  spec: { tier: 'default', order: 10, selector: "node-endpoint == 'home'", types: ['Ingress'], ...spec },
})

const beforeDnat = { preDNAT: true, applyOnForward: true }
const egress = policy('egress', { types: ['Egress'], egress: [{ action: 'Allow' }] })

/** A NodePort of each traffic policy from everywhere that matters: outside, a node, the very node, a pod, the node's own pod. */
const nodePortWays = (lab: Lab): { readonly outside: Packet[]; readonly nodes: Packet[]; readonly pods: Packet[] } => {
  const ws1 = lab.node('ws1').address
  const { cluster, local } = lab.layout.nodePorts
  const from = (...places: string[]) => places.flatMap((place) => [cluster, local].map((port) => tcp(place, ws1, port)))
  return { outside: from('win', 'inet', 'adm'), nodes: from('ws2', 'control1'), pods: from('app1-ws2', 'app1-ws1') }
}

/** How often Felix on ws1 has ended. */
const ends = (lab: Lab) => readFileSync(lab.state.at('log', 'felix-ws1.log'), 'utf8').split('felix ended with').length

/** Reports from the field, each by its number in github.com/projectcalico/calico. */
export const tests: readonly LabTest[] = [
  {
    name: 'calico#8109: what closes NodePorts, and what only seems to',
    needs: ['felix'],
    sampled: spreads.first,
    run: async (lab) => {
      const { see, write: keep } = recorder(lab, 'nodeports')
      const { outside, nodes, pods } = nodePortWays(lab)
      const ports = [`30000:32767`]
      const hostEndpoints = tutorialHostEndpoints(lab.layout, lab.variant)
      const open = [...outside, ...nodes, ...pods]
      await write(lab, egress, ...hostEndpoints)
      await see('HostEndpoints alone', { hostEndpoints, policies: [egress] }, all(outside, 'OPEN'))
      const attempts = [
        {
          state: 'a normal Deny of the NodePort range: it never sees the port the client dialled',
          spec: { ingress: [{ action: 'Deny', protocol: 'TCP', destination: { ports } }, { action: 'Allow' }] },
        },
        {
          state: "the same with applyOnForward: after DNAT the port is the pod's, 80",
          spec: { applyOnForward: true, ingress: [{ action: 'Deny', protocol: 'TCP', destination: { ports } }, { action: 'Allow' }] },
        },
      ]
      for (const { state, spec } of attempts) {
        const tried = policy('node-ports', spec)
        await write(lab, tried)
        await see(state, { hostEndpoints, policies: [egress, tried] }, all(open, 'OPEN'))
      }
      const closing = policy('node-ports', { ...beforeDnat, ingress: [{ action: 'Deny', protocol: 'TCP', destination: { ports } }] })
      // Nothing else is said of local traffic here, so a node's own ports stay with the default deny.
      await write(lab, closing)
      await see('preDNAT: closed from everywhere but the node itself', { hostEndpoints, policies: [egress, closing] }, [
        ...all([...outside, ...nodes], 'TIMEOUT'),
        ...all(
          pods.filter(({ from }) => from === 'app1-ws2'),
          'TIMEOUT',
        ),
        ...all(
          pods.filter(({ from }) => from === 'app1-ws1'),
          'OPEN',
        ),
      ])
      await keep()
    },
  },
  {
    name: 'calico#1858, #8632, #2956, #2333: policy first, a Deny of a failsafe, senders by label, a port without destination',
    needs: ['felix'],
    sampled: spreads.third,
    run: async (lab, tell) => {
      const { see, write: keep } = recorder(lab, 'field')
      const firewall = homeFirewall(lab)
      const ws1 = lab.node('ws1').address
      const deny = denyPolicy([1])
      const hostEndpoints = firewall.hostEndpoints(1)
      const networkSets = networkSetsOf(firewall.sets)
      const services = servicesWithNodes(lab)
      const win = lab.layout.neighbours.find(({ name }) => name === 'win')
      const pod = lab.layout.pods.find(({ node }) => node === 'ws1')
      if (win === undefined || pod === undefined) throw new Error('win or the pod is missing')
      const toPods = (verb: 'add' | 'del') => run(inNamespace(win.namespace, ['ip', 'route', verb, `${pod.address}/32`, 'via', ws1]))
      await lab.agent('ws1').listen('tcp', 2380)
      await toPods('add')
      try {
        await write(lab, ...firewall.sets, ...firewall.policies, deny)
        await write(lab, ...hostEndpoints)
        const policies = [...firewall.policies, deny]
        await see(
          '#1858 policy first, HostEndpoint after: the port is closed',
          { hostEndpoints, policies, networkSets, services },
          all([tcp('win', ws1, 9100), tcp('inet', ws1, 31999)], 'TIMEOUT'),
        )
        const etcd = policy('no-etcd', {
          ...beforeDnat,
          order: 1,
          selector: "node-endpoint == 'home'",
          ingress: [{ action: 'Deny', protocol: 'TCP', destination: { ports: [2380] } }],
        })
        await write(lab, etcd)
        await see('#8632 a Deny of tcp/2380: the failsafe comes first', { hostEndpoints, policies: [etcd, ...policies], networkSets, services }, [
          [tcp('win', ws1, 2380), 'OPEN'],
        ])
        await remove(lab, etcd)
        const web = policy('web', {
          ...beforeDnat,
          order: 1,
          selector: "node-endpoint == 'home'",
          ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [80] } }],
        })
        const toPod = tcp('win', pod.address, 80)
        await expectPackets(lab, '#2333 pods are closed to the LAN', [[toPod, 'TIMEOUT']])
        await write(lab, web)
        await see(
          '#2333 an Allow of port 80 without a destination opens pods too',
          { hostEndpoints, policies: [web, ...policies], networkSets, services },
          [[toPod, 'OPEN']],
        )
        await remove(lab, web)
        await untilAnswer(lab, toPod, 'TIMEOUT')
        tell('the product writes a destination into every Allow of a port')
        await remove(lab, ...hostEndpoints, ...policies)

        const theirs = tutorialHostEndpoints(lab.layout, lab.variant)
        const nameless = theirs.map(({ spec, ...rest }) => {
          const { expectedIPs: _, ...kept } = spec as Record<string, unknown>
          return { ...rest, spec: kept }
        })
        const byLabel = policy('nodes', {
          ...beforeDnat,
          ingress: [{ action: 'Allow', source: { selector: "node-endpoint == 'home'" } }, { action: 'Deny' }],
        })
        const between = [tcp('ws2', ws1, 9100), tcp('control1', ws1, 10250)]
        await write(lab, egress, byLabel, ...nameless)
        await see(
          '#2956 HostEndpoints without expectedIPs: no sender has their label',
          { hostEndpoints: nameless, policies: [byLabel, egress] },
          all(between, 'TIMEOUT'),
        )
        await keep()
      } finally {
        await toPods('del')
        await lab.agent('ws1').close('tcp', 2380)
      }
    },
  },
  {
    name: 'calico#13477: a /0 in a set, on nftables',
    needs: ['felix'],
    cells: ['native-native'],
    run: async (lab, tell) => {
      const firewall = homeFirewall(lab)
      const anywhere: NetworkSet = {
        apiVersion: 'projectcalico.org/v3',
        kind: 'GlobalNetworkSet',
        metadata: { name: 'anywhere', labels: { anywhere: 'yes' } },
        spec: { nets: ['0.0.0.0/0'] },
      }
      const named = policy('anywhere', {
        ...beforeDnat,
        selector: 'has(calico-fw.github.io/run)',
        order: 50,
        ingress: [{ action: 'Allow', protocol: 'UDP', source: { selector: "anywhere == 'yes'" } }],
      })
      const packet = tcp('win', lab.node('ws1').address, 9100)
      await write(lab, ...firewall.sets, ...firewall.policies, ...firewall.hostEndpoints(1))
      await expectPackets(lab, 'before', [[packet, 'OPEN']])
      const before = ends(lab)
      await write(lab, anywhere, named)
      await pause(5_000)
      await write(lab, denyPolicy([1]))
      await pause(4_000)
      const crashed = ends(lab) - before
      const [answer] = await lab.agent('win').probe([packet.target])
      tell(
        `0.0.0.0/0 in a set a policy names: Felix ended ${crashed} times in 9 s; a Deny written then is ${answer === 'TIMEOUT' ? '' : 'not '}enforced`,
      )
      await remove(lab, anywhere, named)
      await untilAnswer(lab, packet, 'TIMEOUT', 30_000)
      assert.ok(
        firewall.sets.every((object) => !JSON.stringify(object).includes('/0"')),
        'the product writes no /0 into a set',
      )
    },
  },
]
