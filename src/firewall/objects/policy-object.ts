import { keys, ownLabels } from '../../calico/names.ts'
import { v3 } from '../../calico/resources.ts'
import type { GlobalNetworkPolicy, Rule } from '../../calico/shapes.ts'

/** What tells one policy of ours from another. */
export interface PolicyParts {
  readonly name: string
  readonly role: 'base' | 'allow' | 'gate' | 'egress' | 'deny'
  readonly order: number
  readonly selector: string
  readonly rules: readonly Rule[]
  readonly labels?: Readonly<Record<string, string>>
}

/**
 * A policy of ours over what comes in. All are preDNAT, for only there a NodePort or VIP still has the port its client dialled, and all are Ingress alone.
 * `types` is written out: without it Felix takes a policy for Ingress and Egress (felix/calc/policy_sorter.go) and cuts the node's egress,
 * and only the v3 API and an admission policy fill it in. `tier` likewise. applyOnForward is mandatory with preDNAT.
 */
export const policyObject = ({ rules, ...parts }: PolicyParts): GlobalNetworkPolicy => ({
  ...headOf(parts),
  spec: { ...placeOf(parts), types: ['Ingress'], preDNAT: true, applyOnForward: true, ingress: rules },
})

/** A policy of ours over what the nodes themselves send: not applyOnForward, so that what pods send is left to their own policies. */
export const egressPolicyObject = ({ rules, ...parts }: PolicyParts): GlobalNetworkPolicy => ({
  ...headOf(parts),
  spec: { ...placeOf(parts), types: ['Egress'], egress: rules },
})

const headOf = ({ name, role, labels }: Omit<PolicyParts, 'rules'>) => ({
  apiVersion: v3,
  kind: 'GlobalNetworkPolicy',
  metadata: { name, labels: ownLabels({ [keys.policy]: role, ...labels }) },
})

const placeOf = ({ order, selector }: Omit<PolicyParts, 'rules'>) => ({ tier: 'default', order, selector })
