import { FwError } from '../errors.ts'
import type { Facts, Unseen, UnseenKind } from '../firewall/facts/facts.ts'

/**
 * What may go wrong where it is not seen. An unknown address of the operator is not among them: the proof then asks for a stranger in its place. What is
 * `other` decides nothing.
 */
const risks: Readonly<Partial<Record<UnseenKind, string>>> = {
  'host-input-rules': 'what a firewall of the node’s own drops opens with a HostEndpoint, and no expiry closes it again',
  interfaces: 'a HostEndpoint for an interface that is not there protects nothing, and says nothing',
  'kube-proxy': 'how NodePorts and VIPs are led on is not known, and the proof says nothing of them',
  'api-endpoints': 'an address of the API nobody told of could be closed, and whoever lives on it with it',
  environment: 'calico-node’s environment overrules every failsafe list the API shows',
  webhooks: 'a webhook may refuse what opens the cluster, and backends the API server calls could be cut',
  services: 'NodePorts, VIPs, DNS and what the API server calls are not in the proof',
  policies: 'what Calico enforces already is not in the proof',
  'host-ports': 'ports that pods publish on their nodes close unannounced',
}

/** What is unseen, matters to a plan that closes these nodes, and was not accepted. */
export const unseenDangers = (
  { unseen }: Pick<Facts, 'unseen'>,
  protectedNodes: ReadonlySet<string>,
  accepted: readonly UnseenKind[],
): readonly Unseen[] =>
  unseen.filter(
    ({ kind, nodes }) =>
      risks[kind] !== undefined && !accepted.includes(kind) && (nodes === undefined || nodes.some((name) => protectedNodes.has(name))),
  )

/** What ends the run before its first write: the unseen counts as unsafe. */
export const unseenError = (found: readonly Unseen[]): FwError => {
  const [first] = found
  const kinds = [...new Set(found.map(({ kind }) => kind))]
  const more = found.length > 1 ? ` (and ${found.length - 1} more)` : ''
  return new FwError('FW_UNSEEN', `not seen, so not safe: ${first?.what}${more}`, {
    why: `${first?.why}; ${first === undefined ? '' : risks[first.kind]}`,
    fix: `have it shown to you (all of it: kubectl calico-fw doctor), or take the risk by name: ${kinds.map((kind) => `--accept-unseen ${kind}`).join(' ')}`,
  })
}
