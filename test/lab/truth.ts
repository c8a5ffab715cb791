import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defaultFailsafes } from '../../src/calico/failsafes.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import type { GlobalNetworkPolicy, HostEndpoint, NetworkSet, Tier } from '../../src/calico/shapes.ts'
import type { NodeFacts, ServiceFacts } from '../../src/firewall/facts/facts.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import type { World } from '../../src/verdict/model.ts'
import type { LabObject } from './cluster/api.ts'
import type { Lab } from './lab.ts'
import { vantages } from './layout.ts'
import { run } from './machine/run.ts'
import { type Variant, variantName } from './options.ts'
import type { Answer } from './packets/protocol.ts'
import type { Seen } from './packets/table.ts'

/** An object as it was written, of the lab or of the product. */
type WrittenObject = LabObject | KubeObject

/** The objects in force while packets were sent; what is absent is as in the file's world. */
export interface TruthObjects {
  readonly hostEndpoints: readonly WrittenObject[]
  readonly policies: readonly WrittenObject[]
  readonly networkSets: readonly WrittenObject[]
  readonly services?: readonly ServiceFacts[]
  readonly failsafes?: World['failsafes']
  readonly hostPorts?: World['hostPorts']
}

/**
 * One packet and what really became of it: place it came from, destination, protocol, port (null where the protocol has none), answer, and the node it came in by where the destination does not say.
 * OPEN: allowed and answered. REFUSED: allowed, nobody home. TIMEOUT: dropped. A row and not an object, for there are thousands of them.
 */
export type TruthPacket = readonly [
  from: string,
  destination: string,
  protocol: 'TCP' | 'UDP' | 'ICMP',
  port: number | null,
  saw: Answer,
  via?: string,
]

/** What packets did in one state of the objects. */
export interface TruthState {
  readonly name: string
  readonly objects: TruthObjects
  readonly packets: readonly TruthPacket[]
}

/** A file of test/truth: a world, and what packets did in it under changing objects. The product's verdict is held to it. */
export interface Truth {
  readonly name: string
  readonly variant: Variant
  readonly versions: { readonly kubernetes: string; readonly calico: string; readonly kernel: string }
  /** Source addresses by place, before any masquerading. */
  readonly places: Readonly<Record<string, string>>
  readonly world: World
  readonly states: readonly TruthState[]
}

/** A state with the packets seen in it, in the order they were sent. */
export const truthState = (name: string, objects: Partial<TruthObjects>, seen: readonly Seen[], via?: string): TruthState => ({
  name,
  objects: { hostEndpoints: [], policies: [], networkSets: [], ...objects },
  packets: seen.map(({ from, target, answer }) => [
    from,
    target.host,
    target.protocol === 'icmp' ? 'ICMP' : target.protocol === 'tcp' ? 'TCP' : 'UDP',
    target.protocol === 'icmp' ? null : target.port,
    answer,
    ...(via === undefined ? ([] as const) : ([via] as const)),
  ]),
})

/** Writes test/truth/NAME-VARIANT.json: one packet a line, so that a change reads as one. */
export const writeTruth = async (lab: Lab, name: string, states: readonly TruthState[]): Promise<string> => {
  const places = Object.fromEntries(
    vantages(lab.layout).flatMap((host) => [[host.name, host.address], ...(host.address6 === undefined ? [] : [[`${host.name}/6`, host.address6]])]),
  )
  const head = { name, variant: lab.variant, versions: await versionsOf(lab), places, world: worldOf(lab) }
  const lines = (values: readonly unknown[], indent: string) => values.map((value) => `${indent}${JSON.stringify(value)}`).join(',\n')
  const objectsText = (objects: TruthObjects) =>
    Object.entries(objects)
      .map(([key, value]) =>
        Array.isArray(value) && value.length > 0
          ? `      "${key}": [\n${lines(value, '        ')}\n      ]`
          : `      "${key}": ${JSON.stringify(value)}`,
      )
      .join(',\n')
  const stateText = ({ name: state, objects, packets }: TruthState) =>
    `  {\n    "name": ${JSON.stringify(state)},\n    "objects": {\n${objectsText(objects)}\n    },\n    "packets": [\n${lines(packets, '      ')}\n    ]\n  }`
  const headText = Object.entries(head)
    .map(([key, value]) => `  "${key}": ${JSON.stringify(value)}`)
    .join(',\n')
  const text = `{\n${headText},\n  "states": [\n${states.map(stateText).join(',\n')}\n  ]\n}\n`
  const folder = fileURLToPath(new URL('../truth/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const file = `${folder}${name}-${variantName(lab.variant)}.json`
  JSON.parse(text) satisfies Truth
  writeFileSync(file, text)
  return file
}

const versionsOf = async (lab: Lab): Promise<Truth['versions']> => {
  const version = (await lab.api.request('GET', '/version')).body as { gitVersion: string }
  const calico = lab.binaries.felix === undefined ? 'none' : (await run([lab.binaries.felix, '--version'])).trim()
  return {
    kubernetes: version.gitVersion,
    calico: /v?\d+\.\d+\.\d+\S*/.exec(calico)?.[0] ?? calico,
    kernel: (await run(['uname', '-r'])).trim().split('-')[0] ?? '',
  }
}

/** The lab's cluster as the verdict's model wants it, before any object of a test. */
export const worldOf = ({ layout, variant }: Pick<Lab, 'layout' | 'variant'>): World => {
  const failsafes = {
    inbound: { ports: defaultFailsafes.inbound, source: { kind: 'default' as const } },
    outbound: { ports: defaultFailsafes.outbound, source: { kind: 'default' as const } },
  }
  const podCidrs = [layout.podCidr, ...(layout.podCidr6 === undefined ? [] : [layout.podCidr6])]
  const nodes = layout.nodes.map(
    (node): NodeFacts => ({
      name: node.fqdn,
      ready: true,
      controlPlane: node.controlPlane,
      operatingSystem: 'linux',
      unschedulable: false,
      labels: { 'kubernetes.io/hostname': node.fqdn },
      addresses: [node.address, ...(node.address6 === undefined ? [] : [node.address6])].map((address) => ({
        type: 'InternalIP',
        address: parseAddress(address),
      })),
      otherAddresses: node.second === undefined ? [] : [{ address: parseAddress(node.second.address), source: 'the lab' }],
      interfaces: [
        { name: node.nic, addresses: [node.address, ...(node.address6 === undefined ? [] : [node.address6])].map(parseAddress), source: 'the lab' },
        ...(node.second === undefined ? [] : [{ name: node.second.nic, addresses: [parseAddress(node.second.address)], source: 'the lab' }]),
      ],
      podCidrs: [node.podCidr, ...(node.podCidr6 === undefined ? [] : [node.podCidr6])].map(parseCidr),
    }),
  )
  return {
    dataplane: variant.felix === 'native' ? 'nftables' : 'iptables',
    proxyMode: variant.proxy,
    // Its default there (--nodeport-addresses, Kubernetes 1.36).
    ...(variant.proxy === 'nftables' ? { nodePortAddresses: ['primary'] } : {}),
    nodes,
    podCidrs: podCidrs.map(parseCidr),
    ipPools: podCidrs.map((cidr) => ({ cidr: parseCidr(cidr), natOutgoing: true, ipipMode: 'Never', vxlanMode: 'Never' })),
    services: servicesOf(layout),
    failsafes: Object.fromEntries(nodes.map((node) => [node.name, failsafes])),
    hostEndpoints: [] satisfies HostEndpoint[],
    policies: [] satisfies GlobalNetworkPolicy[],
    networkSets: [] satisfies NetworkSet[],
    tiers: [tier('kube-admin', 1000, 'Pass'), tier('default', 1_000_000, 'Deny'), tier('kube-baseline', 10_000_000, 'Pass')],
  }
}

const tier = (name: string, order: number, defaultAction: 'Deny' | 'Pass'): Tier => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'Tier',
  metadata: { name },
  spec: { order, defaultAction },
})

const servicesOf = (layout: Lab['layout']): ServiceFacts[] => {
  const nodeOf = (name: string) => layout.nodes.find((node) => node.name === name)?.fqdn ?? name
  const pods = (...names: (string | undefined)[]) =>
    layout.pods.map((pod) => ({
      address: parseAddress(pod.address),
      node: nodeOf(pod.node),
      ports: names.map((name) => ({ ...(name === undefined ? {} : { name }), port: 80 })),
    }))
  const service = (
    name: string,
    clusterIp: string,
    rest: Partial<ServiceFacts> & Pick<ServiceFacts, 'type' | 'ports' | 'endpoints'>,
  ): ServiceFacts => ({
    namespace: 'default',
    name,
    clusterIPs: [parseAddress(clusterIp)],
    externalIPs: [],
    loadBalancerIPs: [],
    externalTrafficPolicy: 'Cluster',
    ...rest,
  })
  const { nodePorts, clusterIps } = layout
  const apis = layout.nodes
    .filter((node) => node.controlPlane)
    .map((node) => ({ address: parseAddress(node.address), ports: [{ name: 'https', port: layout.api.port }] }))
  return [
    service('kubernetes', layout.apiServiceAddress, { type: 'ClusterIP', ports: [{ name: 'https', protocol: 'TCP', port: 443 }], endpoints: apis }),
    service('app1-np', clusterIps.cluster, {
      type: 'NodePort',
      ports: [{ protocol: 'TCP', port: 80, nodePort: nodePorts.cluster }],
      endpoints: pods(undefined),
    }),
    service('app1-local', clusterIps.local, {
      type: 'NodePort',
      externalTrafficPolicy: 'Local',
      ports: [{ protocol: 'TCP', port: 80, nodePort: nodePorts.local }],
      endpoints: pods(undefined),
    }),
    service('ingress', clusterIps.ingress, {
      type: 'LoadBalancer',
      loadBalancerIPs: [parseAddress(layout.loadBalancer)],
      ports: [
        { name: 'http', protocol: 'TCP', port: 80, nodePort: nodePorts.http },
        { name: 'https', protocol: 'TCP', port: 443, nodePort: nodePorts.https },
      ],
      endpoints: pods('http', 'https'),
    }),
  ]
}
