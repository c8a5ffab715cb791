import { byText } from '../by-text.ts'
import type { Facts, NodeFacts } from '../facts/facts.ts'
import { hostPort } from '../plan/failsafe-change.ts'
import { nodeDoorProbes, onNode, type ProbeInput, vipProbes } from './door-probes.ts'
import { nodeProbes } from './node-probes.ts'
import type { Probe } from './probes.ts'

/**
 * Everything asked before, during and after a run. First what must stay open: the API by every way known, SSH, what the file allows us; then
 * the cluster's pulse on every Ready node and connections from the nodes that can be asked; and among them what must look closed from here, unless here is trusted.
 */
export const planProbes = (input: ProbeInput): Probe[] => {
  const { facts, closed } = input
  const ready = facts.nodes.filter((node) => node.ready).sort((one, other) => byText(one.name, other.name))
  const shut = ready.filter(({ name }) => closed.has(name))
  const probes = [
    ...apiProbes(facts),
    ...shut.flatMap((node) => onNode(node, 22, `SSH on ${node.name}`)),
    ...vipProbes(input),
    ...nodeDoorProbes(input, shut),
    ...ready.flatMap((node) => pulseProbes(node, closed.has(node.name))),
    ...nodeProbes(facts, input.firewall.spec.egress),
    ...(facts.calico.flavour === 'aggregated' ? [apiService] : []),
  ]
  const byId = new Map<string, Probe>()
  for (const probe of probes) if (!byId.has(probe.id)) byId.set(probe.id, probe)
  return [...byId.values()]
}

const apiService: Probe = {
  id: 'api-service/v3.projectcalico.org',
  title: "Calico's API server",
  target: { kind: 'api-service', name: 'v3.projectcalico.org' },
  expect: 'open',
}

const apiProbes = ({ apiEndpoints }: Facts): Probe[] => [
  { id: 'kubeconfig', title: "the API by the kubeconfig's address", target: { kind: 'kubeconfig' }, expect: 'open' },
  ...[...apiEndpoints]
    .sort((one, other) => byText(one.address, other.address) || one.port - other.port)
    .map(({ address, port }): Probe => {
      const title = `the API at ${hostPort(address, port)}`
      return { id: `api/${address}/${port}`, title, target: { kind: 'api', address, port }, expect: 'open' }
    }),
]

const pulseProbes = ({ name, calicoNode }: NodeFacts, isClosed: boolean): Probe[] => {
  const pulse = (kind: 'kubelet' | 'node-ready' | 'node-lease' | 'calico-node', title: string): Probe => ({
    id: `${kind}/${name}`,
    title,
    target: { kind, node: name },
    expect: 'open',
    ...(isClosed ? { node: name } : {}),
  })
  return [
    pulse('kubelet', `the API's way to the kubelet of ${name}`),
    pulse('node-ready', `node ${name} is Ready`),
    pulse('node-lease', `node ${name} renews its Lease`),
    ...(calicoNode === undefined ? [] : [pulse('calico-node', `calico-node on ${name} is Ready`)]),
  ]
}
