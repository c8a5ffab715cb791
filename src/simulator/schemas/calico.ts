import { kindSchema } from './metadata.ts'
import { anything, between, flag, list, map, object, oneOf, type Schema, set, text, whole } from './schema.ts'

const protocol = anything
const icmp = object({ type: between(0, 254), code: between(0, 255) })
const entityRule = object({
  ...{ nets: set(text), notNets: list(text), selector: text, notSelector: text, namespaceSelector: text },
  ...{ ports: list(anything), notPorts: list(anything) },
  services: object({ name: text, namespace: text }),
  serviceAccounts: object({ names: set(text), selector: text }),
})
const rule = object(
  {
    action: oneOf('Allow', 'Deny', 'Log', 'Pass'),
    ipVersion: { type: 'integer', min: 4, max: 6 },
    ...{ protocol, notProtocol: protocol, icmp, notICMP: icmp, source: entityRule, destination: entityRule, http: anything },
    metadata: object({ annotations: map(text) }),
  },
  { required: ['action'] },
)
const policy = {
  ...{ tier: text, order: { type: 'number' }, selector: text, serviceAccountSelector: text },
  ...{ types: set(oneOf('Ingress', 'Egress')), ingress: list(rule), egress: list(rule), performanceHints: list(oneOf('AssumeNeededOnEveryNode')) },
} as const satisfies Record<string, Schema>
const globalPolicy = { ...policy, namespaceSelector: text, doNotTrack: flag, preDNAT: flag, applyOnForward: flag }

const failsafe = object({ protocol: text, port: whole, net: text }, { required: ['port'] })
const open = object({}, { open: true })
const nets = kindSchema({ spec: object({ nets: set(text) }) })

/**
 * Schemas of the Calico kinds as their v3.32 CRDs have them (api/config/crd, the same fields in both API groups). FelixConfiguration has some
 * two hundred fields: the ones this tool may meet are typed, the others are taken as they come.
 */
export const calicoSchemas: Readonly<Record<string, Schema>> = {
  GlobalNetworkPolicy: kindSchema({ spec: object(globalPolicy) }),
  StagedGlobalNetworkPolicy: kindSchema({ spec: object({ ...globalPolicy, stagedAction: text }) }),
  NetworkPolicy: kindSchema({ spec: object(policy) }),
  GlobalNetworkSet: nets,
  NetworkSet: nets,
  HostEndpoint: kindSchema(
    {
      spec: object({
        node: { type: 'string', maxLength: 253 },
        interfaceName: { type: 'string', maxLength: 15 },
        ...{ expectedIPs: set(text), profiles: set(text) },
        ports: list(object({ name: text, port: between(1, 65_535), protocol }, { required: ['name', 'port', 'protocol'] })),
      }),
    },
    { required: ['spec'] },
  ),
  FelixConfiguration: kindSchema({
    spec: object(
      {
        ...{ failsafeInboundHostPorts: list(failsafe), failsafeOutboundHostPorts: list(failsafe) },
        ...{ nodeSelector: text, bpfEnabled: flag, nftablesMode: oneOf('Disabled', 'Enabled', 'Auto'), interfaceExclude: text },
      },
      { open: true },
    ),
  }),
  Tier: kindSchema({ spec: object({ order: { type: 'number' }, defaultAction: oneOf('Deny', 'Pass') }), status: open }),
  IPPool: kindSchema({
    spec: object(
      {
        ...{
          cidr: text,
          blockSize: between(0, 128),
          nodeSelector: text,
          namespaceSelector: text,
          natOutgoing: flag,
          disabled: flag,
          disableBGPExport: flag,
        },
        ...{ ipipMode: oneOf('Never', 'Always', 'CrossSubnet'), vxlanMode: oneOf('Never', 'Always', 'CrossSubnet') },
        ...{ assignmentMode: oneOf('Automatic', 'Manual'), allowedUses: set(oneOf('Workload', 'Tunnel', 'LoadBalancer')) },
      },
      { required: ['cidr'] },
    ),
    status: open,
  }),
  ClusterInformation: kindSchema({
    spec: object({ calicoVersion: text, clusterGUID: text, clusterType: text, datastoreReady: flag, variant: text }),
  }),
  BGPConfiguration: kindSchema({ spec: open }),
  KubeControllersConfiguration: kindSchema({ spec: open, status: open }),
  Profile: kindSchema({ spec: open }),
}
