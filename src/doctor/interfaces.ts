import { explainInterfaces } from '../firewall/facts/inspection-words.ts'
import { type Check, error, some, warning } from './check.ts'
import { openingOf } from './opening.ts'

/** What the nodes' interfaces and their own firewalls are. */
export const interfaceChecks: readonly Check[] = [
  {
    id: 'FW-D201',
    category: 'interfaces',
    title: 'the interface that carries each Linux node’s address is known',
    look: ({ nodes }) => {
      const unknown = nodes.filter(
        ({ operatingSystem, interfaces, addresses }) =>
          operatingSystem === 'linux' &&
          !interfaces.some((one) => one.addresses.some((address) => addresses.some((known) => known.address === address))),
      )
      return unknown.length === 0
        ? []
        : [warning(`not known on ${some(unknown.map(({ name }) => name))}`, `kubectl calico-fw init --interface ${unknown[0]?.name}=NAME`)]
    },
  },
  {
    id: 'FW-D202',
    category: 'interfaces',
    title: 'every node was looked into',
    look: ({ unseen }) =>
      unseen
        .filter(({ kind }) => kind === 'host-input-rules')
        .map(({ what, why }) => warning(`${what} not seen: ${why}`, 'on the node: iptables-save -t filter; nft list ruleset')),
  },
  {
    id: 'FW-D203',
    category: 'interfaces',
    title: 'no firewall of a node’s own would be bypassed',
    look: ({ nodes }) =>
      nodes.flatMap(({ name, inspected }) =>
        (inspected?.hostInput ?? [])
          .filter(({ bypassed }) => bypassed)
          .map(({ chain, text }) =>
            error(
              `${name}: ${chain}: ${text}: Calico accepts before it, so it opens with a HostEndpoint`,
              `write it as a policy, or leave ${name} without a HostEndpoint`,
            ),
          ),
      ),
  },
  {
    id: 'FW-D204',
    category: 'interfaces',
    title: 'no firewall of a node’s own drops besides Calico',
    look: ({ nodes }) =>
      nodes.flatMap(({ name, inspected }) =>
        (inspected?.hostInput ?? [])
          .filter(({ bypassed }) => !bypassed)
          .map(({ chain, text }) =>
            warning(
              `${name}: ${chain}: ${text}: it drops also what this firewall allows`,
              `on ${name}: open there what the file allows, or retire that firewall`,
            ),
          ),
      ),
  },
  {
    id: 'FW-D205',
    category: 'interfaces',
    title: 'every node’s interface is of a kind with one plain way in',
    look: ({ nodes }) =>
      nodes.flatMap(({ name, inspected }) =>
        inspected === undefined
          ? []
          : explainInterfaces(inspected)
              .filter((sentence) => /VRF|default route too|belongs to|no interface holds/.test(sentence))
              .map((sentence) =>
                warning(`${name}: ${sentence}`, `kubectl calico-fw init --interface ${name}=NAME   # once per interface that is to be closed`),
              ),
      ),
  },
  {
    id: 'FW-D206',
    category: 'interfaces',
    title: 'HostEndpoints name interfaces their nodes have',
    look: ({ nodes, hostEndpoints }) => {
      const interfaces = new Map(nodes.map(({ name, inspected }) => [name, inspected?.interfaces]))
      return hostEndpoints.flatMap(({ metadata, spec: { node, interfaceName } }) => {
        const known = interfaces.get(node)
        if (interfaceName?.includes('@'))
          return [
            error(
              `HostEndpoint ${metadata.name} names ${interfaceName}: Felix knows it without what stands after @ (felix#1280)`,
              `kubectl edit hostendpoint ${metadata.name}`,
            ),
          ]
        if (!interfaceName || interfaceName === '*' || known === undefined || known.length === 0 || known.some(({ name }) => name === interfaceName))
          return []
        return [
          error(
            `HostEndpoint ${metadata.name} names ${interfaceName}, and ${node} has ${some(known.map(({ name }) => name).filter((name) => !/^(lo|cali.*)$/.test(name)))}: it closes nothing`,
            `kubectl edit hostendpoint ${metadata.name}`,
          ),
        ]
      })
    },
  },
  {
    id: 'FW-D207',
    category: 'interfaces',
    title: 'every node runs Linux',
    look: ({ nodes }) => {
      const others = nodes.filter(({ operatingSystem }) => operatingSystem !== 'linux').map(({ name }) => name)
      return others.length === 0
        ? []
        : [
            warning(
              `${some(others)} ${others.length === 1 ? 'does' : 'do'} not: Calico has no HostEndpoints there, they stay open`,
              'close them with their own firewall',
            ),
          ]
    },
  },
  {
    id: 'FW-D208',
    category: 'interfaces',
    title: 'no VIP moves between nodes under eBPF',
    look: (facts) =>
      (facts.calico.dataplane === 'bpf' ? facts.nodes : []).flatMap(({ name, inspected }) =>
        (inspected?.interfaces ?? []).flatMap(({ name: device, addresses }) =>
          addresses
            .filter(({ floating }) => floating)
            .map(({ address }) =>
              warning(
                `${address} on ${device} of ${name} looks like a VIP: its VRRP (protocol 112) must pass between nodes, or two nodes hold it (calico#4956)`,
                openingOf(facts, 'vip', `${address}:PORT/PROTO`),
              ),
            ),
        ),
      ),
  },
]
