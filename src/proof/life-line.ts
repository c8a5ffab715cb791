import type { NodeFacts } from '../firewall/facts/facts.ts'
import { type Address, familyOf } from '../net/address.ts'
import type { Connection } from '../verdict/model.ts'

/** A connection the cluster, or its operator, cannot live without. */
export interface LifeLine {
  /** `API server on control1.kryukov.local -> kubelet of ws1.kryukov.local (10250/tcp)`. */
  readonly title: string
  readonly connection: Connection
  /** What stops working when it is cut. */
  readonly why: string
  /** The edit or command that keeps it. */
  readonly remedy: string
  /** Nodes whose HostEndpoints can change its fate; empty: any. */
  readonly nodes: readonly string[]
}

/** Why a plan is refused: which flow, in which state the rollout can stand in, by which rule, and what mends it. */
export interface ProofRefusal {
  readonly flow: string
  readonly state: string
  readonly rule: string
  readonly why: string
  readonly remedy: string
}

/** The InternalIPs of a node: under these its components know each other. */
export const internal = (node: NodeFacts): Address[] => node.addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address)

/** Addresses of two lists that can talk to each other. */
export const meet = (from: readonly Address[], to: readonly Address[]): [Address, Address][] =>
  from.flatMap((source) => to.filter((address) => familyOf(address) === familyOf(source)).map((address): [Address, Address] => [source, address]))

/** The remedy where nodes are cut from each other. */
export const trustNodes =
  'keep the nodes set: GlobalNetworkSet calico-fw-nodes must hold every node address, and nothing may be ordered before calico-fw-base'

/** The remedy where pods are cut. */
export const trustPods =
  'keep the trusted set: GlobalNetworkSet calico-fw-trusted must hold every IPPool and the service networks, and nothing may be ordered before calico-fw-base'
