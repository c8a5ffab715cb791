import type { LabObject } from '../cluster/api.ts'
import type { Write } from '../cluster/audit.ts'
import { calicoApiVersion } from '../cluster/crds.ts'
import type { Lab } from '../lab.ts'

/** Something of somebody else's that the gate could not undo, with how one would come by it. */
export interface Hostile {
  readonly story: string
  readonly objects: readonly LabObject[]
  /** What a refusal must name. */
  readonly named: string
}

const object = (lab: Lab, kind: string, name: string, spec: Readonly<Record<string, unknown>>): LabObject => ({
  apiVersion: calicoApiVersion(lab.variant.flavour),
  kind,
  metadata: { name },
  spec,
})

const beforeDnat = { preDNAT: true, applyOnForward: true, types: ['Ingress'] }

/** A Deny before DNAT for every host there is or will be; the lowest order there can be, so that nothing of ours comes before it. */
export const denyEverything = (lab: Lab): LabObject =>
  object(lab, 'GlobalNetworkPolicy', 'quarantine', { tier: 'default', order: 1, selector: 'all()', ...beforeDnat, ingress: [{ action: 'Deny' }] })

/** None of these drops a packet before our HostEndpoints are there; with them, each would drop some that no expiry gives back. */
export const hostiles = (lab: Lab): readonly Hostile[] => [
  { story: 'a Deny before DNAT for all(): inert while there is no HostEndpoint', objects: [denyEverything(lab)], named: 'quarantine' },
  {
    story: 'a policy for whatever is in no system namespace, which a HostEndpoint is not either',
    objects: [
      object(lab, 'GlobalNetworkPolicy', 'no-strangers', {
        tier: 'default',
        order: 900,
        selector: "projectcalico.org/namespace not in {'kube-system', 'default'}",
        types: ['Ingress', 'Egress'],
        ingress: [{ action: 'Deny', protocol: 'TCP', destination: { ports: [22, 10250] } }],
        egress: [{ action: 'Allow' }],
      }),
    ],
    named: 'no-strangers',
  },
  {
    story: 'a tier of the security team, ending in Deny',
    objects: [
      object(lab, 'Tier', 'security', { order: 500, defaultAction: 'Deny' }),
      object(lab, 'GlobalNetworkPolicy', 'security.hosts', {
        tier: 'security',
        order: 10,
        selector: 'has(node-endpoint)',
        types: ['Egress'],
        egress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [443] } }],
      }),
    ],
    named: 'security.hosts',
  },
  {
    story: "somebody else's HostEndpoint on the same NIC",
    objects: lab.layout.nodes
      .filter(({ name }) => name === 'ws1')
      .map((node) => object(lab, 'HostEndpoint', 'a-ws1', { node: node.fqdn, interfaceName: node.nic, profiles: ['projectcalico-default-allow'] })),
    named: 'a-ws1',
  },
]

/** Failsafes of one node taken away by an override, as a mistaken hand does: harmless until a HostEndpoint is there, then SSH is cut. */
export const noFailsafes = (lab: Lab, node: string): LabObject =>
  object(lab, 'FelixConfiguration', `node.${lab.node(node).fqdn}`, { failsafeInboundHostPorts: [] })

/** Whether a write of the product opens the cluster. */
export const isOpening = ({ resource, name, verb }: Write) =>
  (resource === 'globalnetworksets' && name === 'calico-fw-open' && verb !== 'delete') ||
  (resource === 'hostendpoints' && verb === 'deletecollection')
