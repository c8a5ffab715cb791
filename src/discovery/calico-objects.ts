import { isOurs, names, toolNamespace } from '../calico/names.ts'
import type { KubeObject } from '../calico/object.ts'
import { resourceOf, storage, v3 } from '../calico/resources.ts'
import type { FelixConfiguration, GlobalNetworkPolicy, HostEndpoint, NetworkSet, Tier } from '../calico/shapes.ts'
import type { DetectedCalico } from '../cluster/detect-calico.ts'
import { findDuplicates } from '../cluster/duplicates.ts'
import { shown } from '../cluster/stored-calico.ts'
import type { Facts, IpPoolFacts } from '../firewall/facts/facts.ts'
import { covers } from '../net/cidr.ts'
import type { BlockAffinityObject, IpPoolObject } from './kube-objects.ts'
import { networkIn } from './loose-text.ts'
import type { Reader } from './reader.ts'

/** Kinds without which nothing can be planned: not being allowed to read them ends discovery. */
export const requiredKinds = ['Node', 'HostEndpoint', 'GlobalNetworkPolicy', 'FelixConfiguration'] as const

const requiredCalico = ['HostEndpoint', 'GlobalNetworkPolicy', 'FelixConfiguration'] as const
const optionalCalico = ['GlobalNetworkSet', 'NetworkSet', 'Tier', 'IPPool'] as const

/** Calico's objects as facts; `ipPools` are the objects themselves, undefined where they are not shown. */
export interface CalicoObjects extends Pick<Facts, 'felixConfigurations' | 'hostEndpoints' | 'policies' | 'networkSets' | 'tiers' | 'duplicates'> {
  readonly ipPools: readonly IpPoolObject[] | undefined
  /** Blocks of pools; read only where a pool is disabled, undefined where they are not shown. */
  readonly blocks: readonly BlockAffinityObject[] | undefined
}

/** Begins to read every Calico object in both groups, before it is known which of them counts. */
export const prefetchCalico = (reader: Reader): void => {
  for (const kind of [...requiredCalico, ...optionalCalico]) for (const group of [v3, storage]) reader.prefetch(resourceOf(group, kind))
}

/**
 * Reads Calico's objects in the group users speak, and looks in the other for what only Felix sees.
 * @throws FwError when HostEndpoints, GlobalNetworkPolicies or FelixConfigurations cannot be read
 */
export const readCalico = async (reader: Reader, { readableAs, flavour }: DetectedCalico): Promise<CalicoObjects> => {
  const read = async (kind: (typeof requiredCalico)[number] | (typeof optionalCalico)[number]): Promise<KubeObject[] | undefined> => {
    const resource = resourceOf(readableAs, kind)
    const objects = requiredCalico.some((known) => known === kind) ? await reader.require(resource) : await reader.list(resource)
    return readableAs === storage ? objects?.map(shown) : objects
  }
  const duplicatesOf = async (kind: string, seen: readonly KubeObject[] | undefined): Promise<Facts['duplicates']> => {
    if (readableAs === storage || seen === undefined) return []
    return findDuplicates(flavour, seen, (await reader.list(resourceOf(storage, kind))) ?? [])
  }
  const [hostEndpoints, policies, felixConfigurations, globalSets, sets, tiers, ipPools] = await Promise.all([
    read('HostEndpoint'),
    read('GlobalNetworkPolicy'),
    read('FelixConfiguration'),
    read('GlobalNetworkSet'),
    read('NetworkSet'),
    read('Tier'),
    read('IPPool'),
  ])
  const blocks = (ipPools as IpPoolObject[] | undefined)?.some(({ spec }) => spec?.disabled === true)
    ? await reader.list(resourceOf(readableAs, 'BlockAffinity'))
    : []
  const duplicates = await Promise.all([
    duplicatesOf('HostEndpoint', hostEndpoints),
    duplicatesOf('GlobalNetworkPolicy', policies),
    duplicatesOf('FelixConfiguration', felixConfigurations),
    duplicatesOf('GlobalNetworkSet', globalSets),
    duplicatesOf('NetworkSet', sets),
    duplicatesOf('Tier', tiers),
  ])
  return {
    hostEndpoints: (hostEndpoints ?? []) as HostEndpoint[],
    policies: (policies ?? []) as GlobalNetworkPolicy[],
    felixConfigurations: (felixConfigurations ?? []) as FelixConfiguration[],
    networkSets: [...(globalSets ?? []), ...(sets ?? [])] as NetworkSet[],
    tiers: (tiers ?? []) as Tier[],
    ipPools: ipPools as IpPoolObject[] | undefined,
    blocks: blocks as BlockAffinityObject[] | undefined,
    duplicates: duplicates.flat(),
  }
}

/** Pools anything may have an address of: a disabled one only where blocks of it are in use, or are not shown. */
export const poolsInUse = (pools: readonly IpPoolObject[], blocks: readonly BlockAffinityObject[] | undefined): IpPoolObject[] => {
  const used = blocks?.flatMap(({ spec }) => networkIn(spec?.cidr) ?? [])
  return pools.filter(({ spec }) => {
    const cidr = networkIn(spec?.cidr)
    return spec?.disabled !== true || used === undefined || (cidr !== undefined && used.some((block) => covers(cidr, block)))
  })
}

/** Pools that pods or tunnels take addresses from; from 3.30 on a pool may serve LoadBalancers alone, and those addresses are no pods. */
export const ipPoolFacts = (pools: readonly IpPoolObject[]): IpPoolFacts[] =>
  pools.flatMap(({ spec = {} }) => {
    const cidr = networkIn(spec.cidr)
    const uses = spec.allowedUses ?? []
    if (cidr === undefined || (uses.length > 0 && !uses.includes('Workload') && !uses.includes('Tunnel'))) return []
    return [{ cidr, natOutgoing: spec.natOutgoing === true, ipipMode: modeOf(spec.ipipMode), vxlanMode: modeOf(spec.vxlanMode) }]
  })

const modeOf = (mode: string | undefined): IpPoolFacts['ipipMode'] => (mode === 'Always' || mode === 'CrossSubnet' ? mode : 'Never')

/** Everything of ours that is there: Calico objects, the nodes Service, and in our namespace the gates' Jobs and the HostFirewall. */
export const readOwn = async (reader: Reader, calico: CalicoObjects, services: readonly KubeObject[]): Promise<KubeObject[]> => {
  const [namespace, jobs, firewall] = await Promise.all([
    reader.get({ apiVersion: 'v1', kind: 'Namespace', name: toolNamespace }),
    reader.list(resourceOf('batch/v1', 'Job'), { namespace: toolNamespace }),
    reader.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: toolNamespace, name: names.firewall }),
  ])
  const seen = [namespace, ...calico.networkSets, ...calico.policies, ...calico.hostEndpoints, ...services, ...(jobs ?? []), firewall]
  return seen.filter((object) => object !== undefined).filter(isOurs)
}
