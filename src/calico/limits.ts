import { FwError } from '../errors.ts'
import { isAddress } from '../net/address.ts'
import { parseCidr, partsOf } from '../net/cidr.ts'
import { interfaceProblem, isDnsLabel, isDnsSubdomain, metadataProblems } from './name-limits.ts'
import { names } from './names.ts'
import { readNet } from './nets.ts'
import { formatRef, type KubeObject, refOf } from './object.ts'
import { type Problem, problem } from './problem.ts'
import { policyProblems } from './rule-limits.ts'
import type { FailsafePort, FelixConfiguration, GlobalNetworkPolicy, HostEndpoint, NetworkSet } from './shapes.ts'

/** etcd takes 1.5 MiB a request; Kubernetes holds ConfigMaps to 1 MiB. */
const configMapLimit = 1024 * 1024

/**
 * Every limit and trap an object of ours can run into, as problems in words; empty for a sound one. Native v3 CRDs and crd.projectcalico.org/v1
 * check few of these themselves (libcalico-go/lib/validator/v3 runs only in calicoctl and the aggregated API), and Felix pays for the rest.
 */
export const validateObject = (object: KubeObject): Problem[] => [
  ...nameProblems(object),
  ...metadataProblems(object.metadata),
  ...kindProblems(object),
]

/**
 * Refuses the first object that is not sound.
 * @throws FwError FW_BAD_OBJECT
 */
export const requireValid = (objects: readonly KubeObject[]): void => {
  for (const object of objects) {
    const problems = validateObject(object)
    const [first] = problems
    if (first === undefined) continue
    const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`
    throw new FwError('FW_BAD_OBJECT', `${formatRef(refOf(object))}: ${first.path} ${first.text}${more}`, {
      why: 'the cluster would take it, or refuse it half-way through a run',
      fix: 'mend what it is made from in the file; if the file looks right this is a bug, please report it',
    })
  }
}

/**
 * Problems of a failsafe list. The API takes each of these; the first two stop every Felix, a bad net crashes it (felix/config/param_types.go,
 * felixconfigprocessor.go `protoPortSliceToString`).
 */
export const failsafeProblems = (ports: readonly FailsafePort[], path: string): Problem[] =>
  ports.flatMap(({ protocol, port, net }, at) => [
    ...problem(
      protocol !== 'TCP' && protocol !== 'UDP',
      `${path}[${at}].protocol`,
      `is ${protocol === undefined || protocol === '' ? 'missing' : protocol}: Felix knows TCP and UDP here and stops on anything else`,
    ),
    ...problem(!Number.isInteger(port) || port < 1 || port > 65535, `${path}[${at}].port`, `is ${port}, not a port`),
    ...problem(
      net !== undefined && readNet(net) === undefined,
      `${path}[${at}].net`,
      `is ${net}, neither CIDR nor address: every Felix crashes on it`,
    ),
  ])

const nameProblems = ({ kind, metadata: { name } }: KubeObject): Problem[] =>
  kind === 'GlobalNetworkPolicy'
    ? problem(
        !isDnsLabel(name),
        'metadata.name',
        `is "${name}": a policy name that works in every version is one DNS label, for Calico up to 3.28 takes no dots and later ones read them as tiers`,
      )
    : problem(!isDnsSubdomain(name), 'metadata.name', `is "${name}", not a DNS subdomain of at most 253 characters`)

const kindProblems = (object: KubeObject): Problem[] => {
  switch (object.kind) {
    case 'GlobalNetworkPolicy':
      return policyProblems((object as GlobalNetworkPolicy).spec)
    case 'HostEndpoint':
      return hostEndpointProblems((object as HostEndpoint).spec)
    case 'GlobalNetworkSet':
    case 'NetworkSet':
      return ((object as NetworkSet).spec.nets ?? []).flatMap((net, at) => netProblems(net, `spec.nets[${at}]`))
    case 'FelixConfiguration': {
      const { failsafeInboundHostPorts, failsafeOutboundHostPorts } = (object as FelixConfiguration).spec ?? {}
      return [
        ...failsafeProblems(failsafeInboundHostPorts ?? [], 'spec.failsafeInboundHostPorts'),
        ...failsafeProblems(failsafeOutboundHostPorts ?? [], 'spec.failsafeOutboundHostPorts'),
      ]
    }
    case 'ConfigMap':
      return problem(JSON.stringify(object).length > configMapLimit, 'data', 'is larger than 1 MiB')
    default:
      return []
  }
}

const hostEndpointProblems = ({ node, interfaceName, expectedIPs = [], profiles = [] }: HostEndpoint['spec']): Problem[] => {
  const named =
    interfaceName === undefined || interfaceName === ''
      ? 'is missing: a HostEndpoint found by address can lose its interface'
      : interfaceProblem(interfaceName)
  return [
    ...problem(node === '' || node.length > 253, 'spec.node', `is "${node}", no node's name`),
    ...problem(named !== undefined, 'spec.interfaceName', named ?? ''),
    ...expectedIPs.flatMap((address, at) => problem(!isAddress(address), `spec.expectedIPs[${at}]`, `is "${address}", not an address`)),
    ...problem(new Set(expectedIPs).size !== expectedIPs.length, 'spec.expectedIPs', 'repeats an address'),
    ...problem(
      !profiles.includes(names.defaultAllowProfile),
      'spec.profiles',
      `lacks ${names.defaultAllowProfile}: without it the node's own traffic is dropped`,
    ),
  ]
}

/** A net of a set: a strict CIDR, and never all addresses. */
const netProblems = (net: string, path: string): Problem[] => {
  try {
    return problem(partsOf(parseCidr(net)).length === 0, path, `is ${net}: a /0 in a set panics Felix in nftables mode (calico#13477)`)
  } catch (error) {
    if (error instanceof FwError) return [{ path, text: `: ${error.message}` }]
    throw error
  }
}
