import { defaultFailsafes } from '../../calico/failsafes.ts'
import { isOurs, orders } from '../../calico/names.ts'
import { formatRef, refOf } from '../../calico/object.ts'
import { governsDirection, selects, tierOf } from '../../calico/policies.ts'
import type { FailsafePort, HostEndpoint } from '../../calico/shapes.ts'
import { isAddress } from '../../net/address.ts'
import { contains, hostCidr } from '../../net/cidr.ts'
import { byText } from '../by-text.ts'
import { standsWithNodes } from '../facts/api-places.ts'
import type { Facts } from '../facts/facts.ts'
import { operatorWords } from '../facts/operator-path.ts'
import type { HostFirewall } from '../file/host-firewall.ts'
import type { Vantage } from '../probes/vantage.ts'
import { listed, sortedFailsafes } from './differences.ts'
import { failsafeGaps, hostPort, opens } from './failsafe-change.ts'
import { isNarrowed } from './narrowed-failsafes.ts'
import { reachOf } from './openings.ts'
import type { Notice } from './plan.ts'
import type { Selection } from './selection.ts'

/** What the notices of a plan are made from. */
export interface NoticeInput {
  readonly facts: Facts
  readonly firewall: HostFirewall
  readonly selection: Selection
  readonly failsafes: readonly FailsafePort[]
  readonly vantage: Vantage
  /** The HostEndpoints of this firewall. */
  readonly hostEndpoints: readonly HostEndpoint[]
}

/** What a reader of the plan must know beyond what opens and closes. Warnings first. */
export const notices = (input: NoticeInput): Notice[] => {
  const all = [
    ...unprotected(input),
    ...failsafeNotices(input),
    ...foreignApiNotices(input),
    ...joiningNotices(input),
    ...egressNotices(input),
    ...vantageNotices(input),
    ...operatorWords(input.facts).filter(({ level }) => level === 'warning'),
    ...clusterNotices(input),
    ...hostPortNotices(input),
    ...unseenNotices(input),
  ]
  return [...all.filter(({ level }) => level === 'warning'), ...all.filter(({ level }) => level === 'info')]
}

const warning = (text: string): Notice => ({ level: 'warning', text })
const info = (text: string): Notice => ({ level: 'info', text })
const some = <Item>(items: readonly Item[], say: (items: readonly Item[]) => Notice): Notice[] => (items.length === 0 ? [] : [say(items)])
const namesOf = (nodes: readonly { readonly name: string }[]): string => listed(nodes.map(({ name }) => name))

/** A kubelet registers before its calico-node pod has an address, and until then nobody lets it in by that. */
const joiningNotices = ({ facts, firewall }: NoticeInput): Notice[] => {
  const ports = new Set(facts.apiEndpoints.map(({ port }) => port))
  return (firewall.spec.narrowFailsafes ?? []).flatMap(({ ports: narrowed, from }) => {
    const api = narrowed.filter(({ protocol, port }) => protocol === 'TCP' && ports.has(port)).map(({ port }) => `${port}/tcp`)
    if (api.length === 0) return []
    const who = from.length === 0 ? 'nowhere' : from.join(', ')
    return [
      warning(
        `A machine that is to join needs the API at ${api.join(', ')} before it is a node: it is let in from ${who} alone. Add the network new nodes come from to narrowFailsafes.`,
      ),
    ]
  })
}

/** What stands before the allowlist decides first; it cannot cut anything, or the run is refused, but it may let out more. */
const egressNotices = ({ facts, firewall, hostEndpoints }: NoticeInput): Notice[] => {
  if (firewall.spec.egress === undefined) return []
  const labels = [...new Map(hostEndpoints.map(({ metadata }) => [JSON.stringify(metadata.labels), metadata.labels ?? {}])).values()]
  const before = facts.policies.filter(
    (policy) =>
      !isOurs(policy) &&
      governsDirection(policy, 'egress') &&
      (tierOf(policy) !== 'default' || (policy.spec.order ?? Number.POSITIVE_INFINITY) < orders.trial(0)) &&
      (policy.spec.egress ?? []).some(({ action }) => action === 'Allow') &&
      labels.some((own) => selects(policy, own) !== false),
  )
  const byName = (facts.urlCallees ?? []).filter(({ host }) => !isAddress(host))
  return [
    ...some(byName, (called) =>
      warning(
        `The API server calls ${listed(called.map(({ caller, host, port }) => `${caller} at ${host}:${port}`))}. Where that leads is not known: see that an egress entry lets it out, or writes are refused.`,
      ),
    ),
    ...some(before, (policies) =>
      warning(
        `What nodes send meets ${listed(policies.map((policy) => formatRef(refOf(policy))))} before the egress allowlist: what that allows leaves, whatever the file says.`,
      ),
    ),
  ]
}

const unprotected = ({ selection, facts }: NoticeInput): Notice[] => {
  const chosen = new Map<string, Set<string>>()
  for (const { node, interfaceName } of selection.interfaces) chosen.set(node.name, (chosen.get(node.name) ?? new Set()).add(interfaceName))
  const open = [...facts.nodes]
    .sort((one, other) => byText(one.name, other.name))
    .flatMap((node) => {
      const own = chosen.get(node.name)
      const rest = own === undefined ? [] : node.interfaces.map(({ name }) => name).filter((name) => !own.has(name))
      return rest.length === 0 ? [] : [`${[...new Set(rest)].sort(byText).join(', ')} on ${node.name}`]
    })
  return [
    ...(selection.interfaces.length === 0 ? [warning('No interface of any Ready node is matched: this firewall closes nothing.')] : []),
    ...some(selection.unmatched, (nodes) => warning(`No entry of spec.interfaces matches ${namesOf(nodes)}: these nodes stay open.`)),
    ...some(selection.notReady, (nodes) =>
      warning(`NotReady, so not closed now: ${namesOf(nodes)}. Their addresses keep full access. Run init again when they are back.`),
    ),
    ...some(
      facts.nodes.filter(({ operatingSystem }) => operatingSystem !== 'linux').sort((one, other) => byText(one.name, other.name)),
      (nodes) =>
        warning(
          `${listed(nodes.map(({ name, operatingSystem }) => `${name} (${operatingSystem})`))}: HostEndpoints exist on Linux only, so these nodes stay open.`,
        ),
    ),
    ...some(open, (rest) => warning(`Interfaces that stay open: ${listed(rest)}.`)),
    ...some(
      selection.interfaces.filter(({ verified }) => !verified),
      (unverified) =>
        warning(
          `Not verified, the cluster does not tell these nodes' interfaces: ${listed(unverified.map(({ node, interfaceName }) => `${interfaceName} on ${node.name}`))}. A HostEndpoint for an interface that is not there protects nothing.`,
        ),
    ),
  ]
}

const failsafeNotices = ({ facts, firewall, failsafes }: NoticeInput): Notice[] => [
  info(
    `Open to everyone by failsafe, on every node, whatever the file says: ${sortedFailsafes(failsafes.filter(({ net }) => net === undefined || net === ''))}.`,
  ),
  ...(['inbound', 'outbound'] as const).flatMap((direction) => {
    const lists = Object.entries(facts.failsafes)
    const lacking = defaultFailsafes[direction].filter(
      (port) => lists.some(([, list]) => !opens(list[direction].ports, port)) && !isNarrowed(firewall, port),
    )
    return some(lacking, (ports) =>
      warning(
        `Of Felix's default ${direction} failsafes these are not in force today: ${sortedFailsafes(ports)}. This run does not bring them back.`,
      ),
    )
  }),
  ...some(failsafeGaps(facts, firewall), (gaps) => {
    const [first] = gaps
    const ports = sortedFailsafes(gaps.map(({ port }) => port))
    return warning(
      `${first?.source} overrides FelixConfiguration default on ${listed([...new Set(gaps.map(({ node }) => node))])} and lacks ${ports}: add them there before these nodes are closed.`,
    )
  }),
  ...(opens(failsafes, { protocol: 'TCP', port: 22 }) || isNarrowed(firewall, { protocol: 'TCP', port: 22 })
    ? []
    : [warning('SSH (22/tcp) is no failsafe here: it is open only to nodes, trusted networks and whom an allow entry names.')]),
]

/** The way from outside to the API is no life line of a node's, and whoever shares that address is let in nowhere. */
const foreignApiNotices = ({ facts, firewall }: NoticeInput): Notice[] => {
  const stands = standsWithNodes(facts)
  return facts.apiEndpoints
    .filter((endpoint) => !stands(endpoint) && !firewall.spec.trustedNets.some((net) => contains(net, endpoint.address)))
    .map(({ address, port, sources }) => ({
      level: sources.every((source) => source.startsWith('kubeconfig')) ? 'info' : 'warning',
      text: `The API's address ${hostPort(address, port)} (${listed([...sources].sort(byText))}) is no node's, and in none of their networks: nodes may call it, and it may call nobody. If API servers stand there and call kubelets and webhooks, add --trust ${hostCidr(address)}; if it is an address of the nodes, --failsafe ${port}/tcp.`,
    }))
}

const vantageNotices = ({ vantage }: NoticeInput): Notice[] => {
  if (vantage.standing === 'trusted')
    return [
      info(
        'This machine has full access as a node or trusted network, so closed ports cannot be seen closed from here: those probes are not applicable.',
      ),
    ]
  if (vantage.standing === 'unknown')
    return [warning('It is not known which address the nodes see this machine by, so no port is expected closed from here.')]
  return []
}

/** Host ports are no Service's, so the lists of doors do not have them. */
const hostPortNotices = ({ facts, firewall, failsafes }: NoticeInput): Notice[] =>
  some(
    (facts.hostPorts ?? []).filter(
      ({ protocol, hostPort }) => reachOf({ address: 'nodes', protocol, port: hostPort }, firewall, failsafes, new Set()).to === 'nobody',
    ),
    (closed) =>
      warning(
        `Host ports of pods that close: ${listed([...new Set(closed.map(({ hostPort, protocol }) => `${hostPort}/${protocol.toLowerCase()}`))])}. Their users outside are cut off; open them with --open.`,
      ),
  )

const clusterNotices = ({ facts }: NoticeInput): Notice[] => [
  ...(facts.kubeProxy.mode === 'ipvs'
    ? [warning('kube-proxy runs in IPVS mode. Calico judges there before IPVS as elsewhere, but this tool has not been measured with it.')]
    : []),
  ...(facts.kubeProxy.mode === 'unknown' ? [warning("kube-proxy's mode is not known.")] : []),
  ...(facts.calico.flavour === 'aggregated'
    ? [info("Calico's API is aggregated: the gate's set and the open set are written to its storage, so that opening does not hang on that API.")]
    : []),
]

const unseenNotices = ({ facts }: NoticeInput): Notice[] =>
  [...facts.unseen]
    .sort((one, other) => byText(one.kind, other.kind) || byText(one.what, other.what))
    .map(({ what, why }) => warning(`Not looked at: ${what} (${why}).`))
