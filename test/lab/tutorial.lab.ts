import assert from 'node:assert/strict'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { inParallel } from './machine/run.ts'
import { formatPacket, homePackets, observe, type Packet, type Seen } from './packets/table.ts'
import { type TruthObjects, truthState, writeTruth } from './truth.ts'
import { tutorialHostEndpoints, tutorialPolicies } from './tutorial.ts'

/** What a port is, as far as the tutorial's claims go. */
type Kind = 'host' | 'ssh' | 'api' | 'nodePort' | 'vip' | 'apiVip'
/** Where a packet comes from, as seen from the node that owns the address it is sent to. */
type Side = 'outsider' | 'self' | 'node' | 'pod' | 'own pod'

const kindOf = ({ layout }: Lab, { target }: Packet): Kind => {
  if (target.protocol === 'icmp') return 'host'
  if (target.host === layout.loadBalancer) return 'vip'
  if (target.host === layout.api.vip) return 'apiVip'
  if (target.port === layout.nodePorts.cluster || target.port === layout.nodePorts.local) return 'nodePort'
  return target.port === 22 ? 'ssh' : target.port === layout.api.port ? 'api' : 'host'
}

const sideOf = ({ layout }: Lab, { from, target }: Packet): Side => {
  const vips = [layout.api.vip, layout.loadBalancer]
  const owner = layout.nodes.find((node) => node.address === target.host || (node.controlPlane && vips.includes(target.host)))?.name
  const pod = layout.pods.find((one) => one.name === from)
  if (pod !== undefined) return pod.node === owner ? 'own pod' : 'pod'
  if (from === owner) return 'self'
  return layout.nodes.some((node) => node.name === from) ? 'node' : 'outsider'
}

/**
 * HostEndpoints without any policy: local traffic falls to the default deny in both directions, all but the failsafes (22 is none outbound);
 * what is translated to a pod is forwarded, and forwarded traffic that no policy names is allowed. Undefined where it depends on which pod kube-proxy picks.
 */
const bareHostEndpoint = (kind: Kind, side: Side): Seen['answer'] | undefined => {
  if (side === 'own pod') return 'OPEN'
  if (side === 'self') return kind === 'nodePort' || kind === 'vip' ? undefined : 'OPEN'
  if (side === 'node') return kind === 'vip' ? undefined : kind === 'api' ? 'OPEN' : 'TIMEOUT'
  return kind === 'host' || kind === 'apiVip' ? 'TIMEOUT' : 'OPEN'
}

const tutorialClosed = (kind: Kind, side: Side): Seen['answer'] =>
  side === 'outsider' && (kind === 'host' || kind === 'nodePort') ? 'TIMEOUT' : 'OPEN'

const isUndecided = (lab: Lab) => (packet: Packet) => bareHostEndpoint(kindOf(lab, packet), sideOf(lab, packet)) === undefined

const expect = (lab: Lab, state: string, seen: readonly Seen[], expected: (kind: Kind, side: Side) => Seen['answer'] | undefined): void => {
  const wrong = seen.filter((one) => one.answer !== expected(kindOf(lab, one), sideOf(lab, one)))
  assert.deepEqual(
    wrong.map((one) => `${formatPacket(one)} ${one.answer}, not ${expected(kindOf(lab, one), sideOf(lab, one))}`),
    [],
    state,
  )
}

/** The tutorial's claims, state by state: what is closed by HostEndpoints alone, what by its policies, and that NodePorts do close (calico#8109). */
export const tests: readonly LabTest[] = [
  {
    name: "the tutorial's HostEndpoints and policies, from every place to every port",
    needs: ['felix'],
    run: async (lab, tell) => {
      const hostEndpoints = tutorialHostEndpoints(lab.layout, lab.variant)
      const policies = tutorialPolicies(lab.layout, lab.variant)
      const all = homePackets(lab.layout)
      const decided = all.filter((packet) => !isUndecided(lab)(packet))
      const plan: readonly (readonly [string, Partial<TruthObjects>, readonly Packet[], (kind: Kind, side: Side) => Seen['answer'] | undefined])[] = [
        ['no HostEndpoint, no policy', {}, all, () => 'OPEN'],
        ['HostEndpoints, no policy', { hostEndpoints }, decided, bareHostEndpoint],
        ['no HostEndpoint, the three policies', { policies }, all, () => 'OPEN'],
        ['HostEndpoints and the three policies', { hostEndpoints, policies }, all, tutorialClosed],
        ['everything removed', {}, all, () => 'OPEN'],
      ]
      const states = []
      for (const [name, objects, packets, expected] of plan) {
        await bringTo(lab, hostEndpoints, objects.hostEndpoints !== undefined)
        await bringTo(lab, policies, objects.policies !== undefined)
        const seen = await observe(lab, packets)
        expect(lab, name, seen, expected)
        tell(`${name}: ${seen.filter((one) => one.answer === 'OPEN').length} open, ${seen.filter((one) => one.answer === 'TIMEOUT').length} closed`)
        states.push(truthState(name, objects, seen))
      }
      await writeTruth(lab, 'tutorial', states)
    },
  },
]

const bringTo = async (lab: Lab, objects: ReturnType<typeof tutorialPolicies>, wanted: boolean): Promise<void> => {
  await inParallel(4, objects, async (object) => {
    if (wanted) await lab.api.apply(object)
    else await lab.api.delete({ apiVersion: object.apiVersion, kind: object.kind, name: object.metadata.name })
  })
}
