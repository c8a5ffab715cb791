import type { Connection, Verdict } from '../../../src/verdict/model.ts'
import type { Lab } from '../lab.ts'
import { vantages } from '../layout.ts'
import { type Header, ipOf, netOf, protocolOf } from '../rules/header.ts'
import type { Kernel } from '../rules/kernel.ts'
import { type Found, fateOf, type Origin } from '../rules/network.ts'

/** A packet the model and the rules, or the wire, say different things of. */
export interface Disagreement {
  readonly connection: Connection
  readonly verdict: Verdict
  /** What really happens, and how one knows. */
  readonly really: string
}

/** How one packet's two judgements compare. */
export type Comparison = 'agree' | 'unknown' | 'disagree'

/** The packet as rules see it. */
const headerOf = ({ source, destination, protocol, port, sourcePort, icmp }: Connection): Header => ({
  source: ipOf(source),
  destination: ipOf(destination),
  protocol: protocolOf(protocol),
  ...(port === undefined ? {} : { destinationPort: port }),
  ...(sourcePort === undefined ? {} : { sourcePort }),
  ...(icmp === undefined ? {} : { icmp }),
})

/** Where a packet with this source starts, told from the lab's layout alone. */
const originOf = ({ layout }: Pick<Lab, 'layout'>, { source, via }: Connection): Origin => {
  const fqdn = (name: string) => layout.nodes.find((node) => node.name === name)?.fqdn ?? name
  const node = layout.nodes.find(({ address }) => address === source)
  if (node !== undefined) return { node: node.fqdn }
  const pod = layout.pods.find(({ address }) => address === source)
  if (pod !== undefined) return { node: fqdn(pod.node), pod: pod.veth }
  return { by: layout.nodes[0]?.nic ?? '', ...(via === undefined ? {} : { via }) }
}

/** The fate of a packet by the nodes' rules. */
export const byRules = (lab: Pick<Lab, 'layout'>, kernels: readonly Kernel[], connection: Connection): Found =>
  fateOf({ kernels, nowhere: [netOf(lab.layout.serviceCidr)] }, originOf(lab, connection), headerOf(connection))

/** Compares the model's word with the rules'. Where the kernel throws dice and the ways differ, not knowing is the right answer. */
export const compareWithRules = (action: Verdict['action'], { fate }: Found): Comparison => {
  if (action === 'unknown') return fate === 'both' ? 'agree' : 'unknown'
  return (action === 'allow' ? 'delivered' : 'lost') === fate ? 'agree' : 'disagree'
}

/** The place a packet with this source is sent from; undefined where nobody has that address. */
export const senderOf = ({ layout }: Pick<Lab, 'layout'>, { source }: Connection): string | undefined =>
  vantages(layout).find(({ address }) => address === source)?.name

/** Why the model does not know, without the names and numbers of the one case. */
export const featureOf = ({ decisions }: Verdict): string =>
  (decisions.at(-1)?.text ?? '')
    .replace(/^unknown: /, '')
    .replace(/; one way it is allowed.*$/, '')
    .replace(/GlobalNetworkPolicy \S+ (ingress|egress)\[\d+\]: \w+/, 'a rule')
    .replaceAll(/\d+(\.\d+){3}(:\d+)?/g, 'ADDRESS')
    .replaceAll(/tcp|udp|sctp|udplite|icmp|protocol \d+/g, 'PROTOCOL')
    .replaceAll(/(Service \S+ port \S+|control\d\S*|ws\d\S*|svc-\S+)/g, 'NAME')
