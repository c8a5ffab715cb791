import { readNet } from '../calico/nets.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { operatorSeen, operatorWords } from '../firewall/facts/operator-path.ts'
import { routerSuggestions } from '../firewall/plan/suggestions.ts'
import { overlapRemedy, trustedOverlaps } from '../firewall/plan/trusted-overlaps.ts'
import { type Check, error, some, warning } from './check.ts'
import { keptFirewall } from './kept-firewall.ts'
import { openingOf } from './opening.ts'

const setting = ({ components }: Facts, name: string): string | undefined => components?.felixSettings.find((one) => one.name === name)?.value
const patchFelix = (spec: string): string => `kubectl patch felixconfigurations default --type merge -p '{"spec":{${spec}}}'`

/** Felix's own where nothing sets it (felix/config/config_params.go, `BPFDataIfacePattern`; `bond` since 3.30). */
const dataInterfaces = '^((en|wl|ww|sl|ib)[Popsx].*|(eth|wlan|wwan|bond).*)'
const patternOf = (text: string): RegExp | undefined => {
  try {
    return new RegExp(text)
  } catch {
    return undefined
  }
}

/** The interfaces a HostEndpoint of this tool would name: those that hold a node's own address. */
const ownInterfaces = ({ nodes }: Facts) =>
  nodes
    .filter(({ operatingSystem }) => operatingSystem === 'linux')
    .flatMap((node) =>
      node.interfaces
        .filter((one) => one.addresses.some((address) => node.addresses.some((known) => known.address === address)))
        .map(({ name }) => ({ node: node.name, name })),
    )

/** What the cluster is made of besides its API: settings of Felix, routers, VIPs, aggregated APIs. */
export const componentChecks: readonly Check[] = [
  {
    id: 'FW-D005',
    category: 'API',
    title: 'every aggregated API answers',
    look: ({ components }) =>
      (components?.unavailableApis ?? []).map((name) =>
        error(
          `APIService ${name} is not available: discovery, and the collection of what its namespaces hold, waits for it (calico#7555)`,
          `kubectl get apiservice ${name} -o yaml`,
        ),
      ),
  },
  {
    id: 'FW-D006',
    category: 'API',
    title: 'nothing hides you from the nodes',
    look: (facts) =>
      facts.operatorAddresses.length > 0 && operatorSeen(facts) === 'hidden'
        ? operatorWords(facts)
            .slice(0, 1)
            .map(({ text }) => warning(text, 'name the network the nodes see you in: kubectl calico-fw init --trust CIDR'))
        : [],
  },
  {
    id: 'FW-D107',
    category: 'Calico',
    title: 'pods reach the node they run on',
    look: (facts) => {
      const action = setting(facts, 'defaultEndpointToHostAction') ?? 'Drop'
      if (facts.components === undefined || facts.unseen.some(({ kind }) => kind === 'environment') || !/^drop$/i.test(action)) return []
      return [
        warning(
          'Felix drops what pods send to their own node, and no policy of a HostEndpoint with a name changes that (calico#5161, #7056)',
          patchFelix('"defaultEndpointToHostAction":"Accept"'),
        ),
      ]
    },
  },
  {
    id: 'FW-D108',
    category: 'Calico',
    title: 'Typha runs on nodes that are Ready',
    look: ({ nodes, services, calico: { namespace } }) => {
      const lost = new Set(nodes.filter(({ ready }) => !ready).map(({ name }) => name))
      const typha = services.find((one) => one.namespace === namespace && one.name === 'calico-typha')
      return (typha?.endpoints ?? [])
        .filter(({ node }) => node !== undefined && lost.has(node))
        .map(({ node }) =>
          warning(
            `Typha on ${node}, which is not Ready: a Felix that holds on to it hears of no change (calico#11169)`,
            `kubectl delete pod -n ${namespace} -l k8s-app=calico-typha --field-selector spec.nodeName=${node}`,
          ),
        )
    },
  },
  {
    id: 'FW-D110',
    category: 'Calico',
    title: 'pods and Services have networks of their own',
    look: (facts) =>
      trustedOverlaps(facts, keptFirewall(facts)?.spec.trustedNets ?? []).map((one) =>
        error(`${one.text}: all of it has, or would get, full access to every port of the nodes`, overlapRemedy(one)),
      ),
  },
  {
    id: 'FW-D109',
    category: 'Calico',
    title: 'every set holds networks and nothing else',
    look: ({ networkSets }) =>
      networkSets.flatMap(({ kind, metadata, spec }) => {
        const wrong = (spec.nets ?? []).filter((net) => readNet(net) === undefined)
        return wrong.length === 0
          ? []
          : [error(`${kind} ${metadata.name} holds ${some(wrong)}: no network`, `kubectl edit ${kind.toLowerCase()} ${metadata.name}`)]
      }),
  },
  {
    id: 'FW-D209',
    category: 'interfaces',
    title: 'under eBPF every node’s interface is one Felix attaches to',
    look: (facts) => {
      if (facts.calico.dataplane !== 'bpf') return []
      const pattern = patternOf(setting(facts, 'bpfDataIfacePattern') ?? dataInterfaces)
      const missed = ownInterfaces(facts).filter(({ name }) => pattern?.test(name) === false)
      return missed.length === 0
        ? []
        : [
            error(
              `${some(missed.map(({ node, name }) => `${name} of ${node}`))}: bpfDataIfacePattern does not match, and a HostEndpoint there closes nothing`,
              patchFelix('"bpfDataIfacePattern":"PATTERN"'),
            ),
          ]
    },
  },
  {
    id: 'FW-D210',
    category: 'interfaces',
    title: 'no node’s own interface counts as a pod’s',
    look: (facts) => {
      const prefixes = (setting(facts, 'interfacePrefix') ?? 'cali').split(',').map((one) => one.trim())
      const taken = ownInterfaces(facts).filter(({ name }) => prefixes.some((prefix) => prefix !== '' && name.startsWith(prefix)))
      return taken.length === 0
        ? []
        : [
            error(
              `${some(taken.map(({ node, name }) => `${name} of ${node}`))} begins with Felix’s interfacePrefix ${prefixes.join(',')}: it can carry no HostEndpoint`,
              'rename the interface, or set interfacePrefix to what pods have',
            ),
          ]
    },
  },
  {
    id: 'FW-D211',
    category: 'interfaces',
    title: 'no VIP stands on two nodes',
    look: ({ nodes }) => {
      const holders = new Map<string, string[]>()
      for (const { name, inspected } of nodes)
        for (const { addresses } of inspected?.interfaces ?? [])
          for (const { address, floating } of addresses) if (floating) holders.set(address, [...(holders.get(address) ?? []), name])
      return [...holders]
        .filter(([, on]) => new Set(on).size > 1)
        .map(([address, on]) =>
          error(
            `${address} is on ${some(on)} at once: who holds it does not hear the others’ adverts (calico#4956)`,
            'on those nodes: let keepalived speak unicast, or allow protocol 112 between them',
          ),
        )
    },
  },
  {
    id: 'FW-D409',
    category: 'foreign HostEndpoints',
    title: 'no HostEndpoint takes a node’s interface by its address alone',
    look: ({ nodes, hostEndpoints }) =>
      hostEndpoints
        .filter(({ spec }) => !spec.interfaceName)
        .filter(({ spec }) =>
          nodes.some((node) => node.name === spec.node && node.addresses.some(({ address }) => spec.expectedIPs?.includes(address))),
        )
        .map(({ metadata, spec }) =>
          error(
            `HostEndpoint ${metadata.name} matches ${spec.node} by address: it and one with a name claim the same interface, and the alphabetically first wins`,
            `kubectl edit hostendpoint ${metadata.name}   # give it an interfaceName, or delete it`,
          ),
        ),
  },
  {
    id: 'FW-D410',
    category: 'foreign HostEndpoints',
    title: 'every HostEndpoint has kept its labels',
    look: ({ hostEndpoints }) => {
      const bare = hostEndpoints.filter(({ metadata }) => Object.keys(metadata.labels ?? {}).length === 0).map(({ metadata }) => metadata.name)
      return bare.length === 0
        ? []
        : [
            warning(
              `${some(bare)} ${bare.length === 1 ? 'has' : 'have'} none: only all() selects it; clients before 3.28 lose labels of newer clusters (calico#9121)`,
              `kubectl get hostendpoint ${bare[0]} --show-labels`,
            ),
          ]
    },
  },
  {
    id: 'FW-D605',
    category: 'NodePorts',
    title: 'no host port relies on replies eBPF loses',
    look: ({ calico: { dataplane }, hostPorts = [] }) =>
      dataplane !== 'bpf' || hostPorts.length === 0
        ? []
        : [
            warning(
              `${some([...new Set(hostPorts.map(({ hostPort, node }) => `${hostPort} on ${node}`))])}: replies of host ports were lost under eBPF (calico#6522)`,
              'try one of them from outside before and after: kubectl calico-fw explain SOURCE NODE:PORT/tcp',
            ),
          ],
  },
  {
    id: 'FW-D606',
    category: 'NodePorts',
    title: 'every router that calls the nodes has a way in',
    look: (facts) => routerSuggestions(facts).map(({ value, reason }) => warning(`${value}: ${reason}`, openingOf(facts, 'open', value))),
  },
  {
    id: 'FW-D705',
    category: 'kube-proxy',
    title: 'Felix knows IPVS’s NodePorts by their range',
    look: (facts) => {
      const { mode, nodePortRange: range } = facts.kubeProxy
      const known = setting(facts, 'kubeNodePortRanges') ?? '30000:32767'
      if (mode !== 'ipvs' || facts.components === undefined || known.split(',').includes(`${range.first}:${range.last}`)) return []
      return [
        error(
          `NodePorts are ${range.first}-${range.last}, and Felix takes ${known} for them: the others are judged as the node’s own traffic`,
          patchFelix(`"kubeNodePortRanges":["${range.first}:${range.last}"]`),
        ),
      ]
    },
  },
]
