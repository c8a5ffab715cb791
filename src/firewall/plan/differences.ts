import type { FailsafePort } from '../../calico/shapes.ts'
import type { Address } from '../../net/address.ts'
import type { Cidr } from '../../net/cidr.ts'
import { formatPortRange, protocolInWords } from '../../net/port.ts'
import { byText } from '../by-text.ts'
import type { Facts } from '../facts/facts.ts'
import type { AllowEntry, HostFirewall, NarrowedFailsafes } from '../file/host-firewall.ts'
import { isNarrowed } from './narrowed-failsafes.ts'
import { isOpenBefore, newlyTrusted, type OpenBefore, trustBeginning, trustEnding } from './open-before.ts'
import { type Door, doorsOf, reachOf } from './openings.ts'
import type { Difference } from './plan.ts'

/** What the words of a plan are made from. */
export interface WordsInput extends OpenBefore {
  readonly facts: Facts
  readonly firewall: HostFirewall
  readonly nodeAddresses: ReadonlySet<Address>
  readonly trusted: readonly Cidr[]
  /** Nodes and interfaces this run closes. */
  readonly closing: readonly { readonly node: string; readonly interfaceName: string }[]
  /** Names of allow policies that fall away or narrow. */
  readonly narrowed: readonly string[]
  /** Whether everyone may ping again. */
  readonly pings: boolean
  /** Whether a firewall in force lets out what this one will not. */
  readonly egressNarrows: boolean
  /** Whether failsafes get narrower. */
  readonly narrowing: boolean
}

/** The plan in plain words: what opens, what closes, what stays open, and for whom. */
export const differences = (input: WordsInput): Difference[] => [...closings(input), ...openingsOf(input), ...staying(input)]

const others = 'everyone but nodes, pods and trusted networks'

const closings = (input: WordsInput): Difference[] => {
  const { closing, narrowed, firewall } = input
  const removed = [
    ...narrowed.map(
      (name): Difference => ({
        change: 'closes',
        what: `what allow entry ${name} opened beyond the file`,
        forWhom: others,
        because: 'the file no longer allows it',
      }),
    ),
    ...trustEnding(input.trusted, input),
  ]
  if (closing.length === 0) return removed
  const pings: Difference[] =
    firewall.spec.icmp === undefined
      ? []
      : [
          {
            change: 'closes',
            what: 'pings, and all other ICMP but errors and neighbour discovery',
            forWhom: others,
            because: 'icmp: trusted of the file',
          },
        ]
  const byInterface = new Map<string, string[]>()
  for (const { node, interfaceName } of closing) byInterface.set(interfaceName, [...(byInterface.get(interfaceName) ?? []), node])
  const everything = [...byInterface].map(
    ([name, nodes]): Difference => ({
      change: 'closes',
      what: `every port that comes in on ${name} of ${listed(nodes)} and is not named below`,
      forWhom: others,
      because: 'the interface becomes a HostEndpoint',
    }),
  )
  const loopback: Difference = {
    change: 'closes',
    what: '127.0.0.0/8 of these nodes, for packets from the network',
    forWhom: 'everyone',
    because: "kube-proxy can make localhost services reachable from the network, and Calico's accept would let them through",
  }
  return [
    ...removed,
    ...failsafesClosed(input),
    ...everything,
    ...egressClosed(input),
    ...pings,
    ...doorsOf(input.facts).flatMap((door) => closedDoor(door, input)),
    loopback,
  ]
}

const failsafesClosed = ({ narrowing, firewall }: WordsInput): Difference[] =>
  (narrowing ? (firewall.spec.narrowFailsafes ?? []) : []).map(
    (one): Difference => ({
      change: 'closes',
      what: `${portsInWords(one)} on every node and every address`,
      forWhom: `everyone but ${['nodes', ...one.from].join(', ')}`,
      because: 'narrowFailsafes of the file',
    }),
  )

const egressClosed = ({ firewall, standing, egressNarrows }: WordsInput): Difference[] =>
  firewall.spec.egress === undefined
    ? []
    : [
        {
          change: 'closes',
          what: `everything these nodes send that is not named below${standing && !egressNarrows ? ', as on the others' : ''}`,
          forWhom: 'the nodes themselves and hostNetwork pods; other pods have their own policies',
          because: 'egress of the file',
        },
      ]

const egressStaying = ({ firewall }: WordsInput): Difference[] => {
  const { egress } = firewall.spec
  const line = (what: string, because: string, forWhom = 'the nodes themselves'): Difference => ({ change: 'stays-open', what, forWhom, because })
  if (egress === undefined) return [line('everything that leaves the nodes', 'only incoming packets are judged', 'nodes and pods')]
  return [
    ...egress.map((entry) => line(`${entryInWords(entry)}, on the way out`, `egress entry ${entry.name}`)),
    line(
      "nodes, the API, pods, Services and trusted networks, Felix's outbound failsafes, ICMP and their own link, on the way out",
      'nodes live on it',
    ),
  ]
}

const portsInWords = ({ ports }: NarrowedFailsafes): string => ports.map(failsafeInWords).join(', ')

const closedDoor = (door: Door, { firewall, failsafes, nodeAddresses }: WordsInput): Difference[] => {
  const reach = reachOf({ ...door, address: door.address ?? 'nodes' }, firewall, failsafes, nodeAddresses)
  if (reach.to === 'everyone') return []
  const what = doorName(door)
  const allowed = reach.to === 'some' ? ` and ${reach.nets.join(', ')}` : ''
  const because =
    door.kind === 'health-check NodePort'
      ? 'no allow entry names it; an external balancer that asks it takes the nodes out'
      : 'no allow entry names it for others'
  return [{ change: 'closes', what, forWhom: `${others}${allowed}`, because }]
}

const doorName = ({ kind, address, protocol, port, service }: Door): string => {
  const name = `${port}/${protocol.toLowerCase()} (Service ${service})`
  return address === undefined ? `${kind} ${name} on the closed nodes` : `${name} on ${address}`
}

const openingsOf = (input: WordsInput): Difference[] => [
  ...trustBeginning(input.trusted, input),
  ...(input.pings
    ? [
        {
          change: 'opens',
          what: 'pings, and all other ICMP',
          forWhom: 'everyone',
          because: 'the file no longer keeps them to trusted networks',
        } as const,
      ]
    : []),
  ...input.firewall.spec.allow.map(
    (entry): Difference => ({
      change: isOpenBefore(entry, input) ? 'stays-open' : 'opens',
      what: entryInWords(entry),
      forWhom: sourcesInWords(entry),
      because: `allow entry ${entry.name}`,
    }),
  ),
  ...input.newFailsafes.map(
    (port): Difference => ({
      change: input.standing ? 'opens' : 'stays-open',
      what: `${failsafeInWords(port)} on every node and every address`,
      forWhom: 'everyone',
      because: "added to Felix's failsafes",
    }),
  ),
]

const staying = (input: WordsInput): Difference[] => {
  const { failsafes, firewall, newFailsafes } = input
  const trusted = input.trusted.filter((net) => !newlyTrusted(input.trusted, input).includes(net))
  const old = failsafes.filter((port) => !newFailsafes.includes(port) && !isNarrowed(firewall, port))
  const wide = old.filter(({ net }) => net === undefined || net === '')
  return [
    ...(wide.length === 0
      ? []
      : [
          {
            change: 'stays-open',
            what: `${sortedFailsafes(wide)} on every node and every address`,
            forWhom: 'everyone',
            because: "Felix's failsafes",
          } as const,
        ]),
    ...old.flatMap((port) =>
      port.net === undefined || port.net === ''
        ? []
        : [{ change: 'stays-open', what: `${failsafeInWords(port)} on every node`, forWhom: port.net, because: "Felix's failsafes" } as const],
    ),
    ...(firewall.spec.narrowFailsafes ?? []).map(
      (one): Difference => ({
        change: 'stays-open',
        what: `${portsInWords(one)} on every node and every address`,
        forWhom: ['nodes', ...one.from].join(', '),
        because: "Felix's failsafes, narrowed",
      }),
    ),
    {
      change: 'stays-open',
      what: 'everything',
      forWhom: trusted.length === 0 ? 'nodes' : `nodes, and ${trusted.join(', ')}`,
      because: 'nodes, pods, Services and trusted networks have full access',
    },
    {
      change: 'stays-open',
      what: `${firewall.spec.icmp === undefined ? 'ICMP and ICMPv6' : 'ICMP errors and IPv6 neighbour discovery'}, and IPv6 neighbours' DHCPv6 and VRRP`,
      forWhom: 'everyone',
      because: 'paths and neighbours are found by them',
    },
    ...egressStaying(input),
  ]
}

/** `80/tcp, 443/tcp on 192.168.218.180/32`. */
export const entryInWords = ({ to, traffic }: AllowEntry): string => {
  const ports = traffic.flatMap(({ protocol, ports: ranges }) =>
    ranges.length === 0 ? [`all ${protocolInWords(protocol)}`] : ranges.map((range) => `${formatPortRange(range)}/${protocolInWords(protocol)}`),
  )
  return `${ports.join(', ')} on ${'nodes' in to ? 'every node' : to.nets.join(', ')}`
}

/** `everyone`, or the networks. */
export const sourcesInWords = ({ from }: AllowEntry): string => from?.nets.join(', ') ?? 'everyone'

/** `22/tcp, 179/tcp, 68/udp`. */
export const sortedFailsafes = (ports: readonly FailsafePort[]): string =>
  [
    ...new Set(
      [...ports].sort((one, other) => byText(one.protocol.toUpperCase(), other.protocol.toUpperCase()) || one.port - other.port).map(failsafeInWords),
    ),
  ].join(', ')

const failsafeInWords = ({ protocol, port }: FailsafePort): string => `${port}/${protocol.toLowerCase()}`

/** All names where they are few, else the first ones and how many more. */
export const listed = (names: readonly string[], limit = 5): string =>
  names.length <= limit ? names.join(', ') : `${names.slice(0, limit - 1).join(', ')} and ${names.length - limit + 1} more`
