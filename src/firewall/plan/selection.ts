import { FwError } from '../../errors.ts'
import { byText } from '../by-text.ts'
import type { NodeFacts } from '../facts/facts.ts'
import type { InterfaceSelection } from '../file/host-firewall.ts'
import { matchesLabels } from '../file/label-selector.ts'

/** One NIC that becomes a HostEndpoint. */
export interface SelectedInterface {
  readonly node: NodeFacts
  readonly interfaceName: string
  /** The user's labels for it. */
  readonly labels: Readonly<Record<string, string>>
  /** Whether the facts know this interface on this node. A HostEndpoint for one that is not there protects nothing, silently. */
  readonly verified: boolean
}

/** Which NICs of which nodes become HostEndpoints, and what is left out; everything sorted by node name. */
export interface Selection {
  readonly interfaces: readonly SelectedInterface[]
  /** Ready nodes no entry matches: they stay open. */
  readonly unmatched: readonly NodeFacts[]
  /** Matched nodes that are NotReady: nothing there can be seen to work, so they are not closed. */
  readonly notReady: readonly NodeFacts[]
}

/**
 * Applies the file's `interfaces` to the nodes. Entries that match the same NIC join their labels; where they differ the later one wins.
 * @throws FwError FW_UNKNOWN_INTERFACE when a node's interfaces are known and the named one is not among them
 */
export const selectInterfaces = (nodes: readonly NodeFacts[], selections: readonly InterfaceSelection[]): Selection => {
  const sorted = [...nodes].sort((one, other) => byText(one.name, other.name))
  const chosen = sorted.map((node) => ({ node, labelsByName: chosenOn(node, selections) }))
  const matched = chosen.filter(({ labelsByName }) => labelsByName.size > 0)
  const ready = matched.filter(({ node }) => node.ready)
  const interfaces = ready.flatMap(({ node, labelsByName }) =>
    [...labelsByName]
      .sort(([one], [other]) => byText(one, other))
      .map(([interfaceName, labels]) => ({ node, interfaceName, labels, verified: isKnown(node, interfaceName) })),
  )
  refuseUnknown(interfaces)
  return {
    interfaces,
    unmatched: chosen.filter(({ node, labelsByName }) => node.ready && labelsByName.size === 0).map(({ node }) => node),
    notReady: matched.filter(({ node }) => !node.ready).map(({ node }) => node),
  }
}

const chosenOn = (node: NodeFacts, selections: readonly InterfaceSelection[]): Map<string, Record<string, string>> => {
  const labelsByName = new Map<string, Record<string, string>>()
  for (const { nodeSelector, names, labels } of selections) {
    if (!matchesLabels(nodeSelector, node.labels)) continue
    for (const name of names) labelsByName.set(name, { ...labelsByName.get(name), ...labels })
  }
  return labelsByName
}

const isKnown = (node: NodeFacts, name: string): boolean => node.interfaces.some((known) => known.name === name)

/**
 * Interfaces Calico leaves out of the annotation projectcalico.org/Interfaces (node/pkg/lifecycle/startup/autodetection,
 * DEFAULT_INTERFACES_TO_EXCLUDE): that such a one is not listed says nothing.
 */
const unlisted =
  /^(docker|cbr|dummy|podman|virbr|lxcbr|veth|lo|br-|cali|tunl|flannel|kube-ipvs|cni|vxlan\.calico|vxlan-v6\.calico|wireguard\.cali|wg-v6\.cali|nodelocaldns)/

const refuseUnknown = (interfaces: readonly SelectedInterface[]): void => {
  const wrong = interfaces.filter(
    ({ node, interfaceName, verified }) => !verified && node.interfaces.length > 0 && !(unlisted.test(interfaceName) && listedByAnnotation(node)),
  )
  const [first] = wrong
  if (first === undefined) return
  const others = wrong.length === 1 ? '' : ` (and ${wrong.length - 1} more like it)`
  throw new FwError('FW_UNKNOWN_INTERFACE', `node ${first.node.name} has no interface "${first.interfaceName}"${others}`, {
    why: `it has ${first.node.interfaces
      .map(({ name }) => name)
      .sort(byText)
      .join(', ')}; a HostEndpoint for an interface that is not there protects nothing and says nothing`,
    fix: 'name one of those; nodes with other interfaces: --interface NODE=NAME, or an entry of their own with a nodeSelector in the file',
  })
}

const listedByAnnotation = (node: NodeFacts): boolean => node.interfaces.every(({ source }) => source.includes('projectcalico.org/Interfaces'))
