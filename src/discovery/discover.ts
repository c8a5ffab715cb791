import { resourceOf } from '../calico/resources.ts'
import type { Api } from '../cluster/api.ts'
import { type DetectedCalico, detectCalico } from '../cluster/detect-calico.ts'
import type { RunInPod } from '../cluster/pods/exec.ts'
import { FwError } from '../errors.ts'
import type { OperatorPath } from '../firewall/facts/components.ts'
import { type Facts, factsVersion, type NodeFacts } from '../firewall/facts/facts.ts'
import { understood } from '../firewall/facts/understood.ts'
import type { Address } from '../net/address.ts'
import { mergeCidrs } from '../net/cidr.ts'
import { endpointsOf } from './api-endpoints.ts'
import { ipPoolFacts, poolsInUse, prefetchCalico, readCalico, readOwn, requiredKinds } from './calico-objects.ts'
import { calleesOf, urlCalleesOf } from './callees.ts'
import { kubeadmOf, kubeProxyOf, nodePortRangeOf, serviceCidrsOf } from './control-plane.ts'
import { endpointClaims } from './endpoint-claims.ts'
import { failsafesOf } from './failsafes.ts'
import { gateWebhooksOf } from './gate-webhooks.ts'
import { noteHiddenTiers } from './hidden-tiers.ts'
import type { NodeObject, PodObject, WebhookConfigurationObject } from './kube-objects.ts'
import { readKubernetes } from './kubernetes-objects.ts'
import { lookedInto, operatorPathOf, proxySeen, timeServersOf } from './look-into-nodes.ts'
import { nodeFacts } from './nodes.ts'
import { readComponents } from './read-components.ts'
import { createReader, type Reader } from './reader.ts'
import * as services from './services.ts'

/** What discovery needs besides the API. */
export interface DiscoveryContext {
  readonly contextName: string
  /** The kubeconfig's server, as a URL. */
  readonly server: string
  readonly now: () => Date
  /** All addresses behind a name, as this machine resolves it. */
  readonly lookup: (host: string) => Promise<readonly string[]>
  /** The addresses this machine uses towards these: see operator-address.ts. */
  readonly operatorAddresses: (towards: readonly Address[]) => Promise<readonly Address[]>
  /** How this machine reaches the cluster, as far as it knows itself; direct unless told. */
  readonly operator?: Partial<Pick<OperatorPath, 'via' | 'jumpedFrom'>>
  /** Milliseconds for each call; 10,000 unless told. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** `empty` takes failsafes Felix itself cannot read as none and notes it, for a rollback that must go on; otherwise they throw. */
  readonly brokenFailsafes?: 'throw' | 'empty'
  /** Runs a command in a pod, to look into nodes from calico-node; absent: nobody looks, and what only nodes tell is `unseen`. */
  readonly runInPod?: RunInPod
  /** Runs it in a short pod on the node, where exec is forbidden: the one write discovery makes, and only where this is given. */
  readonly runInHostPod?: RunInPod
  /** Nodes are only pretended: there is nothing to look into, and nothing unseen. */
  readonly pretendsNodes?: true
  /** At most this many nodes are looked into; 1,000 unless told. */
  readonly inspectLimit?: number
}

/**
 * Gathers everything the tool knows about a cluster, by reading only: some forty requests whatever the number of nodes, large lists in pages.
 * A source that is forbidden or missing is named in `unseen`.
 * @throws FwError when Nodes, HostEndpoints, GlobalNetworkPolicies or FelixConfigurations cannot be read, when there is no Calico
 *   (FW_UNSUPPORTED), or when Felix could not read its failsafes (FW_BAD_FAILSAFE)
 */
export const discover = (api: Api, context: DiscoveryContext): Promise<Facts> => understood(() => gather(api, context))

const gather = async (api: Api, context: DiscoveryContext): Promise<Facts> => {
  const timeoutMs = context.timeoutMs ?? 10_000
  const reader = createReader(api, requiredKinds, { timeoutMs, ...(context.signal === undefined ? {} : { signal: context.signal }) })
  if (context.runInPod === undefined && context.pretendsNodes === undefined)
    reader.note({ kind: 'host-input-rules', what: 'INPUT rules of every node', why: 'nodes are not looked into yet' })
  prefetchCalico(reader)
  const kubernetes = await readKubernetes(reader)
  const kubeadm = kubeadmOf(kubernetes.kubeadmConfig)
  const toldProxy = kubeProxyOf(kubernetes.kubeProxyConfig, kubernetes.kubeProxyPods)
  const detected = await detectCalico(reader.api, { proxyMode: toldProxy.mode })
  const [calico, calicoPods, typha, uid] = await Promise.all([
    readCalico(reader, detected),
    reader.list(resourceOf('v1', 'Pod'), { namespace: detected.namespace, labelSelector: selectorOf(detected.nodePodLabels) }),
    reader.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: detected.namespace, name: 'calico-typha' }),
    clusterUid(reader, detected),
    noteHiddenTiers(reader, detected),
  ])
  const own = await readOwn(reader, calico, kubernetes.services)

  const apiEndpoints = services.endpointsOf(kubernetes.endpointSlices, 'default', 'kubernetes')
  const surroundings = {
    calicoPods: podsByNode((calicoPods ?? []) as PodObject[]),
    apiServerNodes: new Set(kubernetes.apiServerPods.flatMap(({ spec }) => spec?.nodeName ?? [])),
    apiAddresses: new Set(apiEndpoints.map(({ address }) => address)),
  }
  const plain = (kubernetes.nodes as NodeObject[]).map((node) => nodeFacts(node, surroundings)).sort((one, other) => (one.name < other.name ? -1 : 1))
  const serviceCidrs = serviceCidrsOf(kubernetes.serviceCidrs, kubeadm, kubernetes.apiServerPods)
  if (serviceCidrs === undefined) {
    reader.note({ kind: 'services', what: 'service CIDRs', why: 'no ServiceCIDR, kubeadm-config or kube-apiserver pod tells them' })
  }
  const ipPools = calico.ipPools === undefined ? undefined : ipPoolFacts(calico.ipPools)
  const pooled = ipPoolFacts(poolsInUse(calico.ipPools ?? [], calico.blocks))
  const claims = endpointClaims({ context, kubernetes, kubeadm, detected, typha, apiEndpoints })
  const resolved = { serviceCidrs: serviceCidrs ?? [], lookup: once(context.lookup), timeoutMs }
  const told = await endpointsOf(claims, { ...resolved, nodes: plain })
  for (const unseen of told.unseen) reader.note(unseen)
  const operatorAddresses = await context.operatorAddresses(destinations(told.apiEndpoints, plain))
  if (operatorAddresses.length === 0) {
    reader.note({
      kind: 'operator-address',
      what: 'the address the cluster sees us by',
      why: 'a proxy or tunnel stands between, or there is no route',
    })
  }
  const apiPorts = [...new Set(apiEndpoints.flatMap(({ ports }) => ports.map(({ port }) => port)))]
  const [nodes, { components, hostPorts }] = await Promise.all([
    lookedInto(plain, reader, context, { apiPorts, own: operatorAddresses }),
    readComponents(reader, { kubernetes, detected, nodes: plain, felixConfigurations: calico.felixConfigurations }),
  ])
  // Addresses only a look shows belong to their node too.
  const endpoints = await endpointsOf(claims, { ...resolved, nodes })
  const proxy = proxySeen(toldProxy, nodes)
  if (proxy.unseen !== undefined) reader.note(proxy.unseen)
  const failsafes = failsafesOf(reader, nodes, detected, calico.felixConfigurations, context.brokenFailsafes ?? 'throw')
  const namespace = own.find(({ kind }) => kind === 'Namespace')
  return {
    apiVersion: factsVersion,
    kind: 'Facts',
    gatheredAt: context.now().toISOString(),
    cluster: { context: context.contextName, server: context.server.replace(/\/$/, ''), uid, kubernetesVersion: kubernetes.version },
    calico: {
      flavour: detected.flavour,
      ...(detected.version === undefined ? {} : { version: detected.version }),
      dataplane: detected.dataplane,
      namespace: detected.namespace,
      nodePodLabels: detected.nodePodLabels,
    },
    kubeProxy: {
      ...{ mode: proxy.mode, nodePortRange: nodePortRangeOf(kubeadm, kubernetes.apiServerPods), source: proxy.source },
      ...(proxy.nodePortAddresses === undefined ? {} : { nodePortAddresses: proxy.nodePortAddresses }),
    },
    nodes,
    // By host-local IPAM, as in Canal, pods get their addresses from the nodes' own podCIDRs, whatever pools there are.
    podCidrs: mergeCidrs([...pooled.map(({ cidr }) => cidr), ...nodes.flatMap(({ podCidrs }) => podCidrs)]),
    ...(ipPools === undefined ? {} : { ipPools }),
    serviceCidrs: mergeCidrs(serviceCidrs ?? []),
    services: services.servicesFacts(kubernetes.services, kubernetes.endpointSlices),
    ...(kubernetes.apiServices === undefined
      ? {}
      : {
          callees: calleesOf(kubernetes.webhooks as WebhookConfigurationObject[], kubernetes.apiServices),
          ...urlCalleesOf(kubernetes.webhooks as WebhookConfigurationObject[]),
        }),
    ...(hostPorts === undefined ? {} : { hostPorts }),
    components: { ...components, timeServers: timeServersOf(nodes), operator: operatorPathOf(context.operator ?? {}, nodes, operatorAddresses) },
    apiEndpoints: endpoints.apiEndpoints,
    felixPeers: endpoints.felixPeers,
    failsafes,
    felixConfigurations: calico.felixConfigurations,
    hostEndpoints: calico.hostEndpoints,
    policies: calico.policies,
    networkSets: calico.networkSets,
    tiers: calico.tiers,
    duplicates: calico.duplicates,
    gateWebhooks: gateWebhooksOf(kubernetes.webhooks as WebhookConfigurationObject[], namespace?.metadata.labels),
    own,
    operatorAddresses,
    unseen: reader.unseen,
  }
}

/** A pod that is going away no longer counts. */
const podsByNode = (pods: readonly PodObject[]): ReadonlyMap<string, PodObject> =>
  new Map(pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map((pod) => [pod.spec?.nodeName ?? '', pod]))

const selectorOf = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')

/** kube-system's uid names a cluster for good; Calico's own id stands in where that namespace is not shown. */
const clusterUid = async (reader: Reader, { readableAs }: DetectedCalico): Promise<string> => {
  const namespace = await reader.get({ apiVersion: 'v1', kind: 'Namespace', name: 'kube-system' })
  if (namespace?.metadata.uid !== undefined) return namespace.metadata.uid
  const information = await reader.get({ apiVersion: readableAs, kind: 'ClusterInformation', name: 'default' })
  const guid = (information?.spec as { readonly clusterGUID?: string } | undefined)?.clusterGUID
  if (guid) return guid
  throw new FwError('FW_FORBIDDEN', 'this cluster cannot be told from others', {
    why: 'neither namespace kube-system nor ClusterInformation default is shown, and checkpoints are kept by cluster',
    fix: 'ask a cluster admin for the right to get namespaces',
  })
}

/** Towards the API, and towards a node of each family: the way out may differ. */
const destinations = (endpoints: readonly { readonly address: Address }[], nodes: readonly NodeFacts[]): Address[] => {
  const [first] = nodes
  return [...new Set([...endpoints.map(({ address }) => address), ...(first?.addresses ?? []).map(({ address }) => address)])]
}

/** The same question is asked once. */
const once = (lookup: DiscoveryContext['lookup']): DiscoveryContext['lookup'] => {
  const asked = new Map<string, ReturnType<typeof lookup>>()
  return (host) => {
    const known = asked.get(host) ?? lookup(host)
    asked.set(host, known)
    return known
  }
}
