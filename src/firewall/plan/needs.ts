import { byText } from '../by-text.ts'
import type { Facts, ServiceFacts } from '../facts/facts.ts'
import { hostPort } from './failsafe-change.ts'
import { doorsOf } from './openings.ts'
import { suggestions } from './suggestions.ts'

/** Something the cluster lives on, where it is reached, who told so, and what keeps it open once the nodes are closed. */
export interface Need {
  /** `API server`, `etcd`, `kubelets`, ... */
  readonly what: string
  /** Addresses and ports, without repetition. */
  readonly where: readonly string[]
  readonly sources: readonly string[]
  readonly kept: string
}

const nodesTrust = 'nodes trust nodes'
const podsTrust = 'pods are trusted'
const egress = 'if egress lets it'
const failsafe = 'failsafe'
const opening = 'what you allow'
const unique = (texts: readonly string[]): string[] => [...new Set(texts)]

/** Every lifeline of a cluster by kind, in the order in which a lock-out would hurt. Kinds the cluster does not have are left out. */
export const needsOf = (facts: Facts): Need[] =>
  [...api(facts), ...kubernetes(facts), ...calico(facts), ...callees(facts), ...addresses(facts), ...doors(facts), ...outside(facts)].filter(
    ({ where }) => where.length > 0,
  )

const api = ({ apiEndpoints, operatorAddresses }: Facts): Need[] => [
  {
    what: 'API server',
    where: apiEndpoints.map(({ address, port }) => hostPort(address, port)),
    sources: unique(apiEndpoints.flatMap(({ sources }) => sources)),
    kept: failsafe,
  },
  { what: 'you', where: operatorAddresses, sources: operatorAddresses.length === 0 ? [] : ['this machine’s route to the API'], kept: 'see below' },
]

const kubernetes = ({ components, nodes, services }: Facts): Need[] => {
  const { members = [], peerPorts = [], source = '' } = components?.etcd ?? {}
  const isOutside = members.length > 0 && members.every(({ node }) => node === undefined)
  const dns = services.filter(({ namespace, ports }) => namespace === 'kube-system' && ports.some(({ port }) => port === 53))
  return [
    {
      what: 'etcd',
      where:
        members.length > 0
          ? [...members.map(({ address, port }) => hostPort(address, port)), ...peerPorts.map((port) => `${port}/tcp among its members`)]
          : nodes.some(({ controlPlane }) => controlPlane)
            ? ['2379/tcp and 2380/tcp of the control plane']
            : [],
      sources: [members.length > 0 ? source : 'assumed: nothing in the API tells'],
      kept: isOutside ? egress : nodesTrust,
    },
    {
      what: 'kubelets',
      where: unique(nodes.map(({ kubeletPort = 10_250 }) => `${kubeletPort}/tcp of every node`)),
      sources: ['Node status.daemonEndpoints'],
      kept: nodesTrust,
    },
    { what: 'cluster DNS', where: unique(dns.flatMap(clusterDoors)), sources: unique(dns.map(nameOf)), kept: podsTrust },
  ]
}

const nameOf = ({ namespace, name }: ServiceFacts): string => `Service ${namespace}/${name}`
const clusterDoors = ({ clusterIPs, ports }: ServiceFacts): string[] =>
  clusterIPs.flatMap((address) => ports.map(({ port, protocol }) => `${hostPort(address, port)}/${protocol.toLowerCase()}`))

const calico = ({ components, felixPeers, apiEndpoints, ipPools }: Facts): Need[] => {
  const setting = (name: string) => components?.felixSettings.find((one) => one.name === name)?.value
  const typha = felixPeers.filter((peer) => !apiEndpoints.some(({ address, port }) => address === peer.address && port === peer.port))
  const uses = (mode: 'ipipMode' | 'vxlanMode') => (ipPools ?? []).some((pool) => pool[mode] !== 'Never')
  const isWireGuard = setting('wireguardEnabled') === 'true' || setting('wireguardEnabledV6') === 'true'
  const mesh = components?.bgp.mesh === true ? [`${components.bgp.port}/tcp of every node (BGP)`] : []
  return [
    {
      what: 'Typha',
      where: typha.map(({ address, port }) => hostPort(address, port)),
      sources: unique(typha.flatMap(({ sources }) => sources)),
      kept: failsafe,
    },
    {
      what: 'pod network',
      where: [
        ...(uses('vxlanMode') ? [`${setting('vxlanPort') ?? '4789'}/udp of every node (VXLAN)`] : []),
        ...(uses('ipipMode') ? ['protocol 4 of every node (IPIP)'] : []),
        ...(isWireGuard ? [`${setting('wireguardListeningPort') ?? '51820'}/udp of every node (WireGuard)`] : []),
        ...mesh,
      ],
      sources: ['IPPools', 'FelixConfiguration', 'BGPConfiguration'],
      kept: nodesTrust,
    },
  ]
}

const callees = ({ callees: called = [] }: Facts): Need[] => [
  {
    what: 'webhooks, APIs',
    where: unique(called.map(({ namespace, service, port }) => `${namespace}/${service}:${port}`)),
    sources: unique(called.map(({ caller }) => caller)),
    kept: podsTrust,
  },
]

const addresses = ({ components, nodes }: Facts): Need[] => {
  const floating = nodes.flatMap(({ name, inspected }) =>
    (inspected?.interfaces ?? []).flatMap((one) => one.addresses.filter((held) => held.floating).map(({ address }) => `${address} (now on ${name})`)),
  )
  const programs = components?.programs ?? []
  return [
    ...programs.map(({ name, ports, vip, source }) => ({
      what: name,
      where: [
        ...(vip === undefined ? [] : [`VIP ${vip}`]),
        ...ports.map(({ protocol, port }) => (port === undefined ? `VRRP (protocol ${protocol})` : `${port}/${String(protocol).toLowerCase()}`)),
      ],
      sources: [source],
      kept: nodesTrust,
    })),
    {
      what: 'floating VIPs',
      where: unique(floating),
      sources: ['ip addr on the nodes'],
      kept: 'nodes trust nodes',
    },
  ]
}

const doors = (facts: Facts): Need[] => {
  const known = doorsOf(facts)
  const row = (what: string, kind: (typeof known)[number]['kind'], kept: string): Need => {
    const own = known.filter((door) => door.kind === kind)
    const where = own.map(({ address, port, protocol }) => `${address === undefined ? port : hostPort(address, port)}/${protocol.toLowerCase()}`)
    return { what, where: unique(where), sources: unique(own.map(({ service }) => `Service ${service}`)), kept }
  }
  const offered = suggestions(facts)
  return [
    row('balancer VIPs', 'VIP', opening),
    row('NodePorts', 'NodePort', opening),
    row('health checks', 'health-check NodePort', opening),
    {
      what: 'routers, hostPorts',
      where: offered.map(({ value }) => value).sort(byText),
      sources: offered.map(({ reason }) => reason),
      kept: opening,
    },
  ]
}

const outside = ({ components }: Facts): Need[] => [
  { what: 'time', where: components?.timeServers ?? [], sources: ['open sockets of the nodes'], kept: egress },
]
