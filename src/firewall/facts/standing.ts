import { allowPolicyName, gatePolicyName, isOurs, keys, names, plainName } from '../../calico/names.ts'
import type { KubeObject } from '../../calico/object.ts'
import type { GlobalNetworkPolicy, HostEndpoint, NetworkSet } from '../../calico/shapes.ts'
import { FwError } from '../../errors.ts'
import { type Cidr, parseCidr } from '../../net/cidr.ts'
import { committedRuns } from '../objects/deny-policy.ts'
import type { Facts } from './facts.ts'

/** The tool's firewall as it stands in the cluster. */
export interface Standing {
  /** Runs calico-fw-deny keeps closed; empty where nothing is committed. */
  readonly runs: readonly number[]
  /** Our HostEndpoints, by name. */
  readonly hostEndpoints: ReadonlyMap<string, HostEndpoint>
  /** Our allow policies, by name. */
  readonly allows: ReadonlyMap<string, GlobalNetworkPolicy>
  /** What every firewall of ours lets in, as it is in force; undefined where there is none. */
  readonly base: GlobalNetworkPolicy | undefined
  /** What nodes may send, as it is in force; undefined where all of it leaves. */
  readonly egress: GlobalNetworkPolicy | undefined
  /** Gate policies of earlier runs. */
  readonly gates: readonly GlobalNetworkPolicy[]
  readonly nodeNets: readonly Cidr[]
  readonly trustedNets: readonly Cidr[]
}

/** Reads {@link Standing} from the facts. Policy names come with `default.` before them from Calico 3.29.0 to 3.29.3. */
export const standingOf = ({ policies, hostEndpoints, networkSets }: Pick<Facts, 'policies' | 'hostEndpoints' | 'networkSets'>): Standing => {
  const own = policies.filter(isOurs)
  const nameOf = (policy: GlobalNetworkPolicy) => plainName(policy.metadata.name)
  return {
    runs: committedRuns(own),
    hostEndpoints: new Map(hostEndpoints.filter((one) => isOurs(one) && runOf(one) !== undefined).map((one) => [one.metadata.name, one])),
    allows: new Map(own.filter((policy) => nameOf(policy).startsWith(allowPolicyName(''))).map((policy) => [nameOf(policy), policy])),
    base: own.find((policy) => nameOf(policy) === names.basePolicy),
    egress: own.find((policy) => nameOf(policy) === names.egressPolicy),
    gates: own.filter((policy) => nameOf(policy).startsWith(gatePolicyName(0).slice(0, -1))),
    nodeNets: netsOf(networkSets, names.nodesSet),
    trustedNets: netsOf(networkSets, names.trustedSet),
  }
}

/** The run a HostEndpoint of ours belongs to. */
export const runOf = ({ metadata }: KubeObject): number | undefined => {
  const run = metadata.labels?.[keys.run]
  return run === undefined || !/^\d+$/.test(run) ? undefined : Number(run)
}

const netsOf = (sets: readonly NetworkSet[], name: string): Cidr[] =>
  (sets.find(({ kind, metadata }) => kind === 'GlobalNetworkSet' && metadata.name === name)?.spec.nets ?? []).flatMap((net) => cidrOrNothing(net))

/** A net somebody wrote by hand into our set in a form we never write is not ours to keep. */
const cidrOrNothing = (text: string): Cidr[] => {
  try {
    return [parseCidr(text)]
  } catch (error) {
    if (error instanceof FwError) return []
    throw error
  }
}
