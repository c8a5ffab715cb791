import { type Direction, defaultFailsafes, failsafeFields } from '../calico/failsafes.ts'
import { failsafeProblems } from '../calico/limits.ts'
import type { FailsafePort } from '../calico/shapes.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import type { HostFirewall } from '../firewall/file/host-firewall.ts'
import { isNarrowed } from '../firewall/plan/narrowed-failsafes.ts'
import { type Check, error, some, warning } from './check.ts'
import { keptFirewall } from './kept-firewall.ts'

const directions = ['inbound', 'outbound'] as const
const portText = ({ protocol, port, net }: FailsafePort): string => `${port}/${protocol.toLowerCase()}${net === undefined ? '' : `@${net}`}`
const holds = (list: readonly FailsafePort[], { protocol, port }: Pick<FailsafePort, 'protocol' | 'port'>, narrowed = false): boolean =>
  list.some((entry) => entry.port === port && (narrowed || entry.net === undefined) && entry.protocol.toLowerCase() === protocol.toLowerCase())

const isMeantNarrow = (kept: HostFirewall | undefined, port: FailsafePort): boolean => kept !== undefined && isNarrowed(kept, port)
const listText = (list: readonly FailsafePort[]): string => list.map(portText).sort().join(' ')

/** The distinct effective lists of a direction, each with the nodes it is in force on. */
const listsOf = ({ failsafes }: Facts, direction: Direction) => {
  const lists = new Map<string, { readonly nodes: string[]; readonly list: Facts['failsafes'][string][Direction] }>()
  for (const [node, of] of Object.entries(failsafes)) {
    const list = of[direction]
    const key = `${listText(list.ports)} ${JSON.stringify(list.source)}`
    const known = lists.get(key) ?? { nodes: [], list }
    known.nodes.push(node)
    lists.set(key, known)
  }
  return [...lists.values()]
}

const edit = 'kubectl edit felixconfiguration default'

/** The last doors that stay open. */
export const failsafeChecks: readonly Check[] = [
  {
    id: 'FW-D301',
    category: 'failsafes',
    title: 'Felix can read every failsafe entry',
    look: ({ felixConfigurations }) =>
      felixConfigurations.flatMap(({ metadata, spec }) =>
        directions
          .flatMap((direction) => {
            const field = failsafeFields[direction]
            const list: unknown = spec?.[field]
            return Array.isArray(list) ? failsafeProblems(list as FailsafePort[], `spec.${field}`) : []
          })
          // Felix takes lower case and port 0 as well; calicoctl alone does not.
          .filter(({ text }) => !/^is (tcp|udp): |^is 0, /.test(text))
          .map(({ path, text }) => error(`FelixConfiguration ${metadata.name}: ${path} ${text}`, `kubectl edit felixconfiguration ${metadata.name}`)),
      ),
  },
  {
    id: 'FW-D302',
    category: 'failsafes',
    title: 'failsafes are on',
    look: (facts) =>
      directions.flatMap((direction) =>
        listsOf(facts, direction)
          .filter(({ list }) => list.ports.length === 0)
          .map(({ nodes }) =>
            error(
              `no ${direction} failsafe at all on ${some(nodes)}: one wrong policy locks everybody out (calico#13249)`,
              `${edit}   # drop the empty list: Felix’s defaults return`,
            ),
          ),
      ),
  },
  {
    id: 'FW-D303',
    category: 'failsafes',
    title: 'none of Felix’s default failsafes is missing',
    look: (facts) => {
      const kept = keptFirewall(facts)
      return directions.flatMap((direction) =>
        listsOf(facts, direction).flatMap(({ nodes, list }) => {
          const missing =
            list.ports.length === 0
              ? []
              : defaultFailsafes[direction].filter((port) => !holds(list.ports, port, direction === 'inbound' && isMeantNarrow(kept, port)))
          return missing.length === 0
            ? []
            : [
                warning(
                  `${direction} failsafes on ${some(nodes)} lack ${some(missing.map(portText), 9)}: a list replaces the defaults`,
                  `${edit}   # or let kubectl calico-fw init ask about each`,
                ),
              ]
        }),
      )
    },
  },
  {
    id: 'FW-D304',
    category: 'failsafes',
    title: 'every port of the API, and all Felix and Typha talk to, is an inbound failsafe, for everyone or as the file narrows it',
    look: (facts) => {
      const kept = keptFirewall(facts)
      const needed = [...new Set([...facts.apiEndpoints, ...facts.felixPeers].filter(({ node }) => node !== undefined).map(({ port }) => port))]
      return needed.flatMap((port) => {
        const without = listsOf(facts, 'inbound').filter(
          ({ list }) => !holds(list.ports, { protocol: 'TCP', port }, isMeantNarrow(kept, { protocol: 'TCP', port })),
        )
        return without.length === 0
          ? []
          : [
              warning(
                `${port}/tcp is none on ${some(without.flatMap(({ nodes }) => nodes))}: a Felix that cannot reconnect hears of no opening`,
                `kubectl calico-fw init --failsafe ${port}/tcp`,
              ),
            ]
      })
    },
  },
  {
    id: 'FW-D305',
    category: 'failsafes',
    title: 'FelixConfiguration default decides the failsafes',
    look: (facts) =>
      directions.flatMap((direction) =>
        listsOf(facts, direction).flatMap(({ nodes, list: { source } }) => {
          if (source.kind === 'environment')
            return [
              warning(
                `${source.variable} of calico-node overrules ${direction} failsafes on ${some(nodes)} (calicoctl#1558)`,
                `kubectl set env daemonset/calico-node -n ${facts.calico.namespace} ${source.variable}-`,
              ),
            ]
          return source.kind === 'felixconfiguration' && source.name !== 'default'
            ? [
                warning(
                  `FelixConfiguration ${source.name} overrules ${direction} failsafes on ${some(nodes)}`,
                  `kubectl edit felixconfiguration ${source.name}`,
                ),
              ]
            : []
        }),
      ),
  },
  {
    id: 'FW-D306',
    category: 'failsafes',
    title: 'all nodes have the same failsafes',
    look: (facts) =>
      directions.flatMap((direction) => {
        const distinct = [...new Map(listsOf(facts, direction).map((one) => [listText(one.list.ports), one])).values()]
        return distinct.length < 2
          ? []
          : [
              warning(
                `${distinct.length} different ${direction} lists, for example on ${distinct[0]?.nodes[0]} and ${distinct[1]?.nodes[0]}`,
                'kubectl get felixconfigurations -o yaml',
              ),
            ]
      }),
  },
  {
    id: 'FW-D307',
    category: 'failsafes',
    title: 'no Service hides behind a failsafe port',
    look: (facts) => {
      const open = listsOf(facts, 'inbound').flatMap(({ list }) => list.ports)
      return facts.services
        .filter(({ type }) => type === 'NodePort' || type === 'LoadBalancer')
        .flatMap(({ namespace, name, type, ports }) =>
          ports.flatMap(({ port, nodePort, protocol }) =>
            [...(nodePort === undefined ? [] : [nodePort]), ...(type === 'LoadBalancer' ? [port] : [])]
              .filter((one) => open.some((entry) => entry.port === one && entry.protocol.toUpperCase() === protocol))
              .map((one) =>
                warning(
                  `Service ${namespace}/${name} is reached by ${one}/${protocol.toLowerCase()}, a failsafe: no policy closes it`,
                  `${edit}   # give that failsafe a net, or the Service another port`,
                ),
              ),
          ),
        )
    },
  },
  {
    id: 'FW-D308',
    category: 'failsafes',
    title: 'no policy denies what a failsafe opens',
    look: (facts) => {
      const open = listsOf(facts, 'inbound').flatMap(({ list }) => list.ports)
      return facts.policies.flatMap(({ metadata, spec }) =>
        (spec.ingress ?? [])
          .filter(({ action }) => action === 'Deny')
          .flatMap(({ destination, protocol }) =>
            (destination?.ports ?? []).filter((port) =>
              open.some((entry) => entry.port === port && entry.protocol.toUpperCase() === String(protocol ?? 'TCP').toUpperCase()),
            ),
          )
          .map((port) =>
            warning(
              `GlobalNetworkPolicy ${metadata.name} denies ${port}, which stays open on HostEndpoints: it is a failsafe (calico#8632)`,
              `${edit}   # give that failsafe a net`,
            ),
          ),
      )
    },
  },
]
