import { FwError } from '../errors.ts'
import { familyOf } from '../net/address.ts'
import { blockLists, enforcedBlocks } from './felix-blocks.ts'
import { keys } from './names.ts'
import { readNet } from './nets.ts'
import { type Problem, problem } from './problem.ts'
import { parseSelector } from './selector.ts'
import type { EntityRule, PolicySpec, Rule } from './shapes.ts'

/** Limits the CRDs state from v3.33 on; earlier ones state none, and what we write must survive an upgrade. */
const limits = { rules: 1024, nets: 256, ports: 50, selector: 1024 } as const

const portProtocols = new Set<unknown>(['TCP', 'UDP', 'SCTP', 6, 17, 132])
const protocolNames = new Set<unknown>(['TCP', 'UDP', 'SCTP', 'UDPLite', 'ICMP', 'ICMPv6'])

/** Problems of a GlobalNetworkPolicy's spec (libcalico-go validator v3 `validateGlobalNetworkPolicySpec`, and what it leaves to luck). */
export const policyProblems = (spec: PolicySpec): Problem[] => {
  const { types = [], ingress = [], egress = [], preDNAT = false, doNotTrack = false, applyOnForward = false } = spec
  return [
    ...problem(types.length === 0, 'spec.types', "is missing: Felix takes that for Ingress and Egress and cuts the node's own traffic"),
    ...problem(new Set(types).size !== types.length, 'spec.types', 'repeats a type'),
    ...problem(
      spec.order === undefined || !Number.isFinite(spec.order),
      'spec.order',
      'is missing: ties are broken by name, and names changed form between 3.29 and 3.32',
    ),
    ...problem(preDNAT && doNotTrack, 'spec.preDNAT', 'can not stand beside doNotTrack'),
    ...problem((preDNAT || doNotTrack) && !applyOnForward, 'spec.applyOnForward', 'must be true with preDNAT or doNotTrack'),
    ...problem(preDNAT && (egress.length > 0 || types.includes('Egress')), 'spec.egress', 'can not stand in a preDNAT policy'),
    ...selectorProblems(spec.selector, 'spec.selector', 'all'),
    ...selectorProblems(spec.namespaceSelector, 'spec.namespaceSelector', 'all'),
    ...problem(ingress.length > limits.rules, 'spec.ingress', `has ${ingress.length} rules; ${limits.rules} fit`),
    ...problem(egress.length > limits.rules, 'spec.egress', `has ${egress.length} rules; ${limits.rules} fit`),
    ...ingress.flatMap((rule, at) => [
      ...ruleProblems(rule, `spec.ingress[${at}]`),
      ...serviceProblems(rule.destination, rule.source, `spec.ingress[${at}]`),
    ]),
    ...egress.flatMap((rule, at) => [
      ...ruleProblems(rule, `spec.egress[${at}]`),
      ...serviceProblems(rule.source, rule.destination, `spec.egress[${at}]`),
    ]),
    ...(preDNAT ? ingress.flatMap((rule, at) => wideProblems(rule, `spec.ingress[${at}]`)) : []),
  ]
}

const ruleProblems = (rule: Rule, path: string): Problem[] => {
  const { protocol, notProtocol, ipVersion, icmp, notICMP, source = {}, destination = {} } = rule
  const families = new Set([source.nets, source.notNets, destination.nets, destination.notNets].flatMap((nets) => (nets ?? []).map(familyOf)))
  const icmpFamily = ([protocol, notProtocol].includes('ICMP') && 4) || ([protocol, notProtocol].includes('ICMPv6') && 6) || undefined
  const numbered = [source, destination].some(({ ports = [], notPorts = [] }) => [...ports, ...notPorts].some(isNumbered))
  const anyPorts = [source, destination].some(({ ports = [], notPorts = [] }) => ports.length + notPorts.length > 0)
  const isIcmp = protocol === 'ICMP' || protocol === 'ICMPv6'
  return [
    ...[protocol, notProtocol].flatMap((one) =>
      problem(
        one !== undefined && !isProtocol(one),
        `${path}.protocol`,
        `is ${one}: a name as in TCP, UDP, SCTP, UDPLite, ICMP, ICMPv6, or 1 to 255`,
      ),
    ),
    ...problem(
      protocol === undefined ? numbered : anyPorts && !portProtocols.has(protocol),
      `${path}.protocol`,
      `is ${protocol ?? 'missing'}: ports need TCP, UDP or SCTP`,
    ),
    ...problem(icmp !== undefined && !isIcmp, `${path}.icmp`, 'needs protocol ICMP or ICMPv6'),
    ...[icmp, notICMP].flatMap((one) => icmpProblems(one, `${path}.icmp`)),
    ...problem(
      icmpFamily !== undefined && ipVersion !== undefined && ipVersion !== icmpFamily,
      `${path}.ipVersion`,
      `is ${ipVersion}: ICMP is IPv4, ICMPv6 is IPv6`,
    ),
    ...problem(families.size > 1, path, 'mixes IPv4 and IPv6 nets'),
    ...problem(
      blockLists(rule).length > enforcedBlocks,
      path,
      'has three lists, of more than 15 ports and of several nets on both sides: Felix 3.32 enforces two of them, so split the rule',
    ),
    ...problem(
      ipVersion !== undefined && [...families].some((family) => family !== ipVersion),
      `${path}.ipVersion`,
      `is ${ipVersion}, the nets are not`,
    ),
    ...entityProblems(source, `${path}.source`),
    ...entityProblems(destination, `${path}.destination`),
  ]
}

const entityProblems = (entity: EntityRule, path: string): Problem[] => {
  const { nets = [], notNets = [], ports = [], notPorts = [], services, selector, notSelector, namespaceSelector, serviceAccounts } = entity
  const besideServices =
    [selector, notSelector, namespaceSelector].some((one) => one !== undefined && one !== '') ||
    serviceAccounts !== undefined ||
    nets.length + notNets.length > 0
  return [
    ...(
      [
        ['nets', nets],
        ['notNets', notNets],
      ] as const
    ).flatMap(([field, list]) => [
      ...problem(list.length > limits.nets, `${path}.${field}`, `has ${list.length} nets; ${limits.nets} fit`),
      ...list.flatMap((net, at) => netProblems(net, `${path}.${field}[${at}]`)),
    ]),
    ...(
      [
        ['ports', ports],
        ['notPorts', notPorts],
      ] as const
    ).flatMap(([field, list]) => [
      ...problem(list.length > limits.ports, `${path}.${field}`, `has ${list.length} ports; ${limits.ports} fit`),
      ...list.flatMap((port, at) => problem(!isPort(port), `${path}.${field}[${at}]`, `is ${port}, not a port, range or port name`)),
    ]),
    ...problem(services !== undefined && services.name === '', `${path}.services`, 'has no name'),
    ...problem(services !== undefined && besideServices, `${path}.services`, 'can not stand beside selectors or nets'),
    ...selectorProblems(selector, `${path}.selector`, 'all'),
    ...selectorProblems(notSelector, `${path}.notSelector`, 'all'),
    ...selectorProblems(namespaceSelector, `${path}.namespaceSelector`, 'global'),
    ...problem(
      selector?.includes(keys.set) === true && namespaceSelector !== 'global()',
      `${path}.namespaceSelector`,
      "is not global(): any tenant's NetworkSet with the same label would be selected too",
    ),
  ]
}

/** Services resolve EndpointSlices: as the source of ingress and the destination of egress only, and in a global policy with their namespace. */
const serviceProblems = (never: EntityRule | undefined, may: EntityRule | undefined, path: string): Problem[] => [
  ...problem(never?.services !== undefined, path, 'names a Service on the wrong side: the source of ingress and the destination of egress take one'),
  ...problem(may?.services !== undefined && (may.services.namespace ?? '') === '', `${path}.services`, 'names no namespace'),
  ...problem(may?.services !== undefined && (may.ports ?? may.notPorts) !== undefined, `${path}.services`, 'can not stand beside ports'),
]

/** preDNAT sees every packet the node routes: an Allow by port alone opens that port on pods as well (calico#2333). */
const wideProblems = ({ action, destination = {} }: Rule, path: string): Problem[] =>
  problem(
    action === 'Allow' && (destination.ports ?? []).length > 0 && destination.nets === undefined && destination.selector === undefined,
    `${path}.destination`,
    'has ports and no address: it opens them on pods too',
  )

const netProblems = (net: string, path: string): Problem[] => {
  const range = readNet(net)
  if (range === undefined || !net.includes('/')) return [{ path, text: `is "${net}", not a CIDR` }]
  return problem(
    net.endsWith('/0'),
    path,
    `is ${net}: leave the nets out to match every address; a catch-all has crashed Felix (calico#9211, calico#13477)`,
  )
}

const icmpProblems = (icmp: Rule['icmp'], path: string): Problem[] => [
  ...problem(icmp?.code !== undefined && icmp.type === undefined, path, 'has a code without a type'),
  ...problem(icmp?.type !== undefined && !isWithin(icmp.type, 0, 254), `${path}.type`, `is ${icmp?.type}, not within 0 to 254`),
  ...problem(icmp?.code !== undefined && !isWithin(icmp.code, 0, 255), `${path}.code`, `is ${icmp?.code}, not within 0 to 255`),
]

const selectorProblems = (selector: string | undefined, path: string, allows: 'all' | 'global'): Problem[] => {
  if (selector === undefined || selector === '') return []
  if (selector.includes('global(') && !(allows === 'global' && selector === 'global()'))
    return [{ path, text: "uses global(), which stands alone, in a rule's namespaceSelector" }]
  try {
    parseSelector(selector)
  } catch (error) {
    if (error instanceof FwError) return [{ path, text: `: ${error.message}` }]
    throw error
  }
  return problem(selector.length > limits.selector, path, `has ${selector.length} characters; ${limits.selector} fit`)
}

const isProtocol = (protocol: unknown): boolean => protocolNames.has(protocol) || (typeof protocol === 'number' && isWithin(protocol, 1, 255))

const isWithin = (value: number, low: number, high: number): boolean => Number.isInteger(value) && low <= value && value <= high

const isNumbered = (port: number | string): boolean => typeof port === 'number' || /^\d+(:\d+)?$/.test(port)

const isPort = (port: number | string): boolean => {
  if (typeof port === 'string' && !isNumbered(port)) return /^[a-zA-Z0-9_.-]{1,128}$/.test(port)
  const [first = 0, last = first] = `${port}`.split(':').map(Number)
  return isWithin(first, 1, 65535) && isWithin(last, first, 65535)
}
