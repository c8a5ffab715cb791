import { keys } from '../../src/calico/names.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import { refOf } from '../../src/calico/object.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'
import type { BeforeImage } from '../../src/rollout/checkpoint.ts'
import { confirmSteps } from '../../src/rollout/confirm-steps.ts'
import { addVipSteps, initSteps } from '../../src/rollout/init-steps.ts'
import { closingRollback, openingRollback } from '../../src/rollout/rollback-steps.ts'
import type { RunConfig } from '../../src/rollout/state.ts'
import type { Step } from '../../src/rollout/steps.ts'
import { config, gate, openSet, smallPlan } from '../rollout/fixtures.ts'
import { type Cluster, ticksOfWindow } from './cluster.ts'
import { keyIn } from './step-writes.ts'

/** A run on a cluster, and what counts as closed there. */
export interface Scenario {
  readonly name: string
  readonly steps: readonly Step[]
  readonly config: RunConfig
  readonly start: Cluster
  /** What the run is to keep open in the end, unless it is kept: names of what is closed in this cluster. */
  closed(cluster: Cluster): readonly string[]
  /** Whose lifelines are cut: of nobody's, ever. */
  cut(cluster: Cluster): readonly string[]
  /** The run's last word has been said: what is closed stays closed, and is meant to. */
  kept(cluster: Cluster): boolean
}

const empty: Cluster = { now: 0, objects: new Set(), failsAt: undefined, lock: undefined, controllers: true, api: true }
const open = keyIn(openSet)
const deny = 'GlobalNetworkPolicy calico-fw-deny'
const base = 'GlobalNetworkPolicy calico-fw-base'

/** Nodes whose HostEndpoint a gate or the Deny bites, whatever else stands before it. */
const bitten = (nodes: readonly string[], { objects }: Cluster): readonly string[] => {
  const gated = objects.has('GlobalNetworkPolicy calico-fw-gate-1') && objects.has(keyIn(gate.set))
  return gated || objects.has(deny) ? nodes.filter((node) => objects.has(`HostEndpoint ${node}-eth0`)) : []
}

/** The open set opens by a rule of the base policy. */
const closedNodes =
  (nodes: readonly string[]) =>
  (cluster: Cluster): readonly string[] =>
    cluster.objects.has(open) && cluster.objects.has(base) ? [] : bitten(nodes, cluster)

/** What nodes reach of each other stands in the base policy and in the sets it names. */
const cutNodes =
  (nodes: readonly string[]) =>
  (cluster: Cluster): readonly string[] =>
    cluster.objects.has(base) && (cluster.objects.has(open) || cluster.objects.has('GlobalNetworkSet calico-fw-nodes')) ? [] : bitten(nodes, cluster)

const egress = 'GlobalNetworkPolicy calico-fw-egress'
const egressGate = 'GlobalNetworkPolicy calico-fw-gate-1-egress'

/** Nodes that send only what the list lets out: its policies bring their own rule for the open set. */
const limited = (nodes: readonly string[], { objects }: Cluster): readonly string[] => {
  const isTried = objects.has(egressGate) && objects.has(keyIn(gate.set))
  if (objects.has(open) || !(isTried || objects.has(egress))) return []
  return nodes.filter((node) => objects.has(`HostEndpoint ${node}-eth0`)).map((node) => `what ${node} sends`)
}

/** The plan with a list for what nodes send: tried beside the gate, kept after the commit. */
const withEgress = (plan: Plan): Plan => ({
  ...plan,
  policies: [
    ...plan.policies,
    {
      ...object(v3, 'GlobalNetworkPolicy', 'calico-fw-gate-1-egress'),
      metadata: { name: 'calico-fw-gate-1-egress', labels: { [keys.policy]: 'gate' } },
    },
  ],
  finish: { write: [object(v3, 'GlobalNetworkPolicy', 'calico-fw-egress')], remove: [] },
})

const keptCluster = (nodes: readonly string[], ...more: string[]): Cluster => ({
  ...empty,
  objects: new Set([
    'FelixConfiguration edited',
    'GlobalNetworkSet calico-fw-nodes',
    base,
    deny,
    ...nodes.map((node) => `HostEndpoint ${node}-eth0`),
    ...more,
  ]),
})

/** Every node the Deny closes was closed, and probed so, under the gate: also some of them are the firewall that was wanted. */
const isKept = ({ objects }: Cluster): boolean => objects.has(deny)

const object = (apiVersion: string, kind: string, name: string): KubeObject => ({ apiVersion, kind, metadata: { name } })
const v3 = 'projectcalico.org/v3'
const gone = (one: KubeObject): BeforeImage => ({ ref: refOf(one), before: null })

/** Every kind of run on these nodes. */
export const scenarios = (nodes: readonly string[]): Scenario[] => {
  const plan = smallPlan(nodes)
  const closed = closedNodes(nodes)
  const cut = cutNodes(nodes)
  const kept = isKept
  const hostEndpoints = plan.batches.flatMap((batch) => batch.hostEndpoints)
  const images = [...hostEndpoints, plan.deny, ...plan.policies.slice(0, 1), ...plan.sets].map(gone)
  const felix: BeforeImage = { ref: refOf(object(v3, 'FelixConfiguration', 'default')), before: object(v3, 'FelixConfiguration', 'default') }
  const two: RunConfig = { ...config, change: 2 }
  const allow = object(v3, 'GlobalNetworkPolicy', 'calico-fw-allow-app')
  const allowKey = keyIn(allow)
  const openingIsClosed = ({ objects }: Cluster): boolean =>
    [...objects].some((key) => key.startsWith('HostEndpoint ')) &&
    !objects.has(open) &&
    (!objects.has(allowKey) || (objects.has('GlobalNetworkPolicy calico-fw-gate-2') && objects.has('NetworkSet gate-2')))
  return [
    { name: 'init', steps: initSteps(plan), config, start: empty, closed, cut, kept },
    {
      ...{ name: 'init with egress', steps: initSteps(withEgress(plan)), config, start: empty, cut, kept },
      closed: (cluster) => [...closed(cluster), ...limited(nodes, cluster)],
    },
    {
      ...{ name: 'init after open', steps: initSteps(plan, { opened: true }), config: { ...config, opened: true } },
      ...{ start: { ...empty, objects: new Set([open]) }, closed, cut, kept },
    },
    {
      ...{ name: 'add-vip', steps: addVipSteps(2, [allow], undefined, nodes), config: two },
      ...{ start: keptCluster(nodes), closed, cut, kept },
    },
    {
      ...{ name: 'rollback to 0', steps: openingRollback({ change: 2, to: 0, images: [...images, felix], config: { ...two, isRollback: true } }) },
      ...{ config: { ...two, isRollback: true }, start: keptCluster(nodes), closed, cut, kept },
    },
    {
      ...{ name: 'rollback of add-vip', config: two, start: keptCluster(nodes, allowKey) },
      steps: closingRollback(
        { change: 2, to: 1, images: [gone(allow)], config: two },
        { policies: [{ ...allow, spec: { ingress: [{ action: 'Allow' }] } } as never], flavour: 'native', closedNodes: nodes },
      ),
      cut,
      closed: (cluster) => (openingIsClosed(cluster) ? ['the opening'] : []),
      kept: ({ objects }) => !objects.has(allowKey) && objects.has(deny),
    },
    {
      ...{
        name: 'confirm',
        config,
        steps: confirmSteps({ change: 1, number: '1.9', deny: plan.deny, finish: plan.finish, gate, closedNodes: nodes }),
      },
      start: {
        ...empty,
        objects: new Set([
          ...['GlobalNetworkSet calico-fw-nodes', base, 'GlobalNetworkPolicy calico-fw-gate-1', 'Job gate-1', 'NetworkSet gate-1'],
          ...nodes.map((node) => `HostEndpoint ${node}-eth0`),
        ]),
        failsAt: ticksOfWindow,
      },
      ...{ closed, cut, kept },
    },
  ]
}
