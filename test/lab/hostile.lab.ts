import assert from 'node:assert/strict'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { gatePolicy } from '../../src/firewall/objects/gate.ts'
import { openSet } from '../../src/firewall/objects/network-sets.ts'
import { spreads } from './cells.ts'
import type { LabObject } from './cluster/api.ts'
import { calicoApiVersion } from './cluster/crds.ts'
import { homeFirewall, networkSetsOf, refIn, remove, servicesWithNodes, write } from './firewall.ts'
import { arm } from './gate-parts.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { pause } from './machine/run.ts'
import { all, expectPackets, homeClosed, keyPackets, tcp, untilAnswer } from './packets/expect.ts'
import { holdFlows } from './packets/flows.ts'
import { allLifeLines, renderTimeline, watchLifeLines } from './packets/life-lines.ts'
import { recorder } from './record.ts'

const figure = (ms: number) => `${(ms / 1000).toFixed(2)} s`

/** A webhook nobody answers for, that wants to be asked before a gate's set is deleted. */
const deadWebhook = (): LabObject => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'dead' },
  webhooks: [
    {
      name: 'dead.example.com',
      clientConfig: { url: 'https://127.0.0.1:1/' },
      rules: [{ apiGroups: ['projectcalico.org', 'crd.projectcalico.org'], apiVersions: ['*'], operations: ['DELETE'], resources: ['networksets'] }],
      failurePolicy: 'Fail',
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      timeoutSeconds: 1,
    },
  ],
})

const shutFor = async (lab: Lab, names: readonly string[], state: string): Promise<void> => {
  await expectPackets(
    lab,
    state,
    names.map((name) => [tcp('win', lab.node(name).address, 9100), 'TIMEOUT'] as const),
  )
}

/** What others do to a gate, to a node and to Calico's own rules, and what the product's objects make of it. */
export const tests: readonly LabTest[] = [
  {
    name: 'hostile: a gate held up by a webhook, by a queueing controller, by a finalizer',
    needs: ['felix'],
    cells: ['nftables-nft-native', 'iptables-legacy-storage'],
    run: async (lab, tell) => {
      const firewall = homeFirewall(lab)
      await write(lab, ...firewall.sets, ...firewall.policies, gatePolicy(1), gatePolicy(2), gatePolicy(3))
      await write(lab, ...firewall.hostEndpoints(1, ['control1']), ...firewall.hostEndpoints(2, ['ws1']), ...firewall.hostEndpoints(3, ['ws2']))
      await lab.api.apply(deadWebhook())
      try {
        const hooked = await arm(lab, 1, 6)
        const suspended = await arm(lab, 2, 6, { job: (job) => ({ ...job, spec: { ...(job['spec'] as object), suspend: true } }) })
        const held = await arm(lab, 3, 6, { job: (job) => ({ ...job, metadata: { ...job.metadata, finalizers: ['example.com/hold'] } as never }) })
        await pause(12_000)
        await shutFor(lab, ['control1', 'ws1', 'ws2'], 'six seconds after the deadline all are closed')
        const late = await lab.api.patch(held.job, { spec: { activeDeadlineSeconds: 60 } })
        const { conditions = [] } = late['status'] as { conditions?: { type: string; status: string }[] }
        assert.ok(
          conditions.some(({ type, status }) => type === 'Failed' && status === 'True') && late.metadata['deletionTimestamp'] !== undefined,
          'a renewal after the deadline is answered 200, and only the answer tells that the Job has failed and is being deleted',
        )
        await assert.rejects(lab.api.delete(hooked.set), /failed calling webhook/)
        const name = `${hooked.set.name}`
        const relabelled = Date.now()
        await lab.api.patch(hooked.set, { metadata: { labels: { 'calico-fw.github.io/gate': null } } })
        await untilAnswer(lab, tcp('win', lab.node('control1').address, 9100), 'OPEN')
        tell(`DELETE of ${name} is refused by the webhook; its label taken off by UPDATE: open in ${figure(Date.now() - relabelled)}`)
        await lab.api.patch(held.job, { metadata: { finalizers: null } })
        await lab.api.patch(suspended.set, { metadata: { labels: { 'calico-fw.github.io/gate': null } } })
        await untilAnswer(lab, tcp('win', lab.node('ws1').address, 9100), 'OPEN')
      } finally {
        await lab.api.delete(deadWebhookRef)
      }
      const ms = await untilAnswer(lab, tcp('win', lab.node('ws2').address, 9100), 'OPEN', 90_000)
      tell(`webhook and finalizer gone: the collector gets through ${figure(ms)} later`)
    },
  },
  {
    name: 'a committed firewall: every packet, the open set, and every HostEndpoint deleted at once',
    needs: ['felix'],
    sampled: spreads.first,
    run: async (lab, tell) => {
      const { see, write: keep } = recorder(lab, 'committed')
      const firewall = homeFirewall(lab)
      const policies = [...firewall.policies, gatePolicy(1), denyPolicy([1])]
      const hostEndpoints = firewall.hostEndpoints(1)
      const packets = keyPackets(lab)
      const echoes = [22, 23, 9100, lab.layout.nodePorts.cluster, lab.layout.nodePorts.local]
      const stillOpen = await holdFlows(
        lab,
        packets.filter(({ target }) => target.protocol === 'tcp' && echoes.includes(target.port)),
      )
      await write(lab, ...firewall.sets, ...policies, ...hostEndpoints)
      const objects = { hostEndpoints, policies, networkSets: networkSetsOf(firewall.sets), services: servicesWithNodes(lab) }
      const closed = packets.map((packet) => [packet, homeClosed(lab, packet)] as const)
      await see('committed', objects, closed)
      const flows = await stillOpen()
      assert.deepEqual(
        flows.filter(({ answer }) => answer !== 'OPEN'),
        [],
        'flows of before live on',
      )
      tell(`${flows.length} flows from before the closing live on, whoever's they are: they prove nothing`)
      const open = openSet(lab.variant.flavour)
      const opening = Date.now()
      await write(lab, open)
      const ms = await untilAnswer(lab, tcp('win', lab.node('ws1').address, 9100), 'OPEN')
      tell(`the open set opens in ${figure(Date.now() - opening)} (${ms} ms after the write was answered)`)
      await see('with the open set', { ...objects, networkSets: [...objects.networkSets, open] }, all(packets, 'OPEN'))
      await remove(lab, open)
      await see('the open set deleted', objects, closed)
      const deleting = Date.now()
      const { apiVersion } = refIn(lab, hostEndpoints[0] as never)
      const answer = await lab.api.request('DELETE', `/apis/${apiVersion}/hostendpoints?labelSelector=calico-fw.github.io%2Frun`)
      assert.equal(answer.status, 200)
      await untilAnswer(lab, tcp('win', lab.node('ws1').address, 9100), 'OPEN')
      tell(`deletecollection of our HostEndpoints opens in ${figure(Date.now() - deleting)}`)
      // calico#4556: a NodePort stayed broken where a HostEndpoint had been.
      await see('its HostEndpoints deleted', { ...objects, hostEndpoints: [] }, all(packets, 'OPEN'))
      await keep()
    },
  },
  {
    name: 'no fresh connection is lost while the firewall is written, closed, opened and taken away in its order',
    needs: ['felix'],
    sampled: spreads.third,
    run: async (lab, tell) => {
      const firewall = homeFirewall(lab)
      const lines = allLifeLines(lab).filter(({ from }) => from.startsWith('ws') || from.startsWith('app1'))
      const watching = await watchLifeLines(lab, lines, { everyMs: 250 })
      const hostEndpoints = firewall.hostEndpoints(1)
      const open = openSet(lab.variant.flavour)
      await write(lab, ...firewall.sets)
      await pause(1_000)
      await write(lab, ...firewall.policies, gatePolicy(1))
      await pause(1_000)
      await write(lab, ...hostEndpoints)
      await pause(1_000)
      await write(lab, denyPolicy([1]))
      await untilAnswer(lab, tcp('win', lab.node('ws1').address, 9100), 'TIMEOUT')
      await write(lab, open)
      await untilAnswer(lab, tcp('win', lab.node('ws1').address, 9100), 'OPEN')
      await remove(lab, ...hostEndpoints)
      await remove(lab, ...firewall.policies, gatePolicy(1), denyPolicy([1]))
      await pause(1_000)
      await remove(lab, ...firewall.sets.slice(1), open)
      await pause(1_500)
      const timeline = await watching.stop()
      tell(`${timeline.lines.length} lines, ${timeline.samples.length} fresh connections, ${timeline.cuts.length} cuts`)
      assert.equal(timeline.cuts.length, 0, renderTimeline(timeline))
    },
  },
  {
    name: "a node's own INPUT rules: Calico's accept steps over them in iptables mode",
    needs: ['felix'],
    sampled: spreads.third,
    run: async (lab, tell) => {
      const rule = ['INPUT', '-i', lab.node('ws1').nic, '-p', 'tcp', '--dport', '9100', '-j', 'DROP']
      const iptables = async (verb: string) => {
        const ran = await lab.exec('ws1', ['iptables', '-w', verb, ...rule])
        assert.equal(ran.code, 0, ran.stderr)
      }
      const packet = tcp('win', lab.node('ws1').address, 9100)
      await iptables('-A')
      try {
        await expectPackets(lab, "ws1's own INPUT rule", [[packet, 'TIMEOUT']])
        await write(lab, ...homeFirewall(lab).hostEndpoints(1, ['ws1']))
        // Felix over iptables ends INPUT with its accept; over nftables it accepts in a table of its own, and others are asked too.
        const answer = lab.variant.felix === 'native' ? 'TIMEOUT' : 'OPEN'
        await expectPackets(lab, 'and an inert HostEndpoint', [[packet, answer]])
        tell(`an inert HostEndpoint makes a port the node itself drops: ${answer}`)
      } finally {
        await iptables('-D')
      }
    },
  },
  {
    name: 'our named HostEndpoint takes the NIC from a `*` one that was a firewall',
    needs: ['felix'],
    sampled: spreads.second,
    run: async (lab) => {
      const { see, write: keep } = recorder(lab, 'star')
      const star: LabObject = {
        apiVersion: calicoApiVersion(lab.variant.flavour),
        kind: 'HostEndpoint',
        metadata: { name: 'ws1-auto', labels: { guarded: 'yes' } },
        spec: { node: lab.node('ws1').fqdn, interfaceName: '*', expectedIPs: [lab.node('ws1').address] },
      }
      const ssh: LabObject = {
        apiVersion: calicoApiVersion(lab.variant.flavour),
        kind: 'GlobalNetworkPolicy',
        metadata: { name: 'guarded' },
        spec: {
          tier: 'default',
          order: 10,
          selector: "guarded == 'yes'",
          types: ['Ingress', 'Egress'],
          ingress: [{ action: 'Allow', source: { nets: lab.layout.nodes.map(({ address }) => `${address}/32`) } }],
          egress: [{ action: 'Allow' }],
        },
      }
      const ws1 = lab.node('ws1').address
      const packets = [tcp('win', ws1, 9100), tcp('inet', ws1, 23)]
      await write(lab, ssh, star)
      await see('a `*` HostEndpoint that is a firewall', { hostEndpoints: [star], policies: [ssh] }, [
        ...all(packets, 'TIMEOUT'),
        [tcp('ws2', ws1, 9100), 'OPEN'],
      ])
      const ours = homeFirewall(lab).hostEndpoints(1, ['ws1'])
      await write(lab, ...ours)
      await see('and ours on its NIC', { hostEndpoints: [star, ...ours], policies: [ssh] }, all(packets, 'OPEN'))
      await keep()
    },
  },
]

const { apiVersion, kind, metadata } = deadWebhook()
const deadWebhookRef = { apiVersion, kind, name: metadata.name }
