import type { LabObject } from './cluster/api.ts'
import { calicoApiVersion } from './cluster/crds.ts'
import type { Layout } from './layout.ts'
import type { Variant } from './options.ts'

const ours = "node-endpoint == 'home'"

/** The tutorial's HostEndpoints: one per node, on its one NIC, with no profile. */
export const tutorialHostEndpoints = (layout: Layout, { flavour }: Variant): LabObject[] =>
  layout.nodes.map((node) => ({
    apiVersion: calicoApiVersion(flavour),
    kind: 'HostEndpoint',
    metadata: { name: `${node.name}-${node.nic}`, labels: { 'node-endpoint': 'home', 'node-role': node.controlPlane ? 'control' : 'ws' } },
    spec: { node: node.fqdn, interfaceName: node.nic, expectedIPs: [node.address] },
  }))

/** The tutorial's three policies: everything from pods, Services and its own nodes, two VIPs from everywhere, the rest denied before DNAT, and all egress. */
export const tutorialPolicies = (layout: Layout, { flavour }: Variant): LabObject[] => {
  const policy = (name: string, spec: Readonly<Record<string, unknown>>): LabObject => ({
    apiVersion: calicoApiVersion(flavour),
    kind: 'GlobalNetworkPolicy',
    metadata: { name },
    spec: { tier: 'default', selector: ours, ...spec },
  })
  const beforeDnat = { preDNAT: true, applyOnForward: true, types: ['Ingress'] }
  const vip = (address: string, ...ports: number[]) => ({ action: 'Allow', protocol: 'TCP', destination: { nets: [`${address}/32`], ports } })
  return [
    policy('default-rules', {
      ...beforeDnat,
      order: 20,
      ingress: [
        { action: 'Allow', source: { nets: ['10.233.0.0/16'] } },
        { action: 'Allow', source: { selector: ours } },
        { action: 'Allow', destination: { nets: ['127.0.0.0/8'] } },
        { action: 'Deny' },
      ],
    }),
    policy('allow-outbound-external', { order: 20, types: ['Egress'], egress: [{ action: 'Allow' }] }),
    policy('allow-rules', { ...beforeDnat, order: 10, ingress: [vip(layout.loadBalancer, 80, 443), vip(layout.api.vip, layout.api.vipPort)] }),
  ]
}
