import type { Address } from '../../net/address.ts'

/**
 * What a probe does. Every one uses a fresh connection: an established one survives every mistake, for
 * Felix lets it pass before any policy (felix/rules/endpoints.go `appendConntrackRules`).
 */
export type ProbeTarget =
  /** TCP handshake from the operator's machine. */
  | { readonly kind: 'tcp'; readonly address: Address; readonly port: number }
  /** Fresh TLS and `/readyz` at an API endpoint, from the operator's machine. */
  | { readonly kind: 'api'; readonly address: Address; readonly port: number }
  /** The API by the kubeconfig's own address. */
  | { readonly kind: 'kubeconfig' }
  /** The API server's node proxy to the kubelet: `/api/v1/nodes/N/proxy/healthz`. */
  | { readonly kind: 'kubelet'; readonly node: string }
  /** TCP handshake from a node, by exec in its calico-node pod. */
  | { readonly kind: 'node-tcp'; readonly node: string; readonly address: Address; readonly port: number }
  /** Node Ready condition. */
  | { readonly kind: 'node-ready'; readonly node: string }
  /** The node's Lease in kube-node-lease was renewed since the step began. */
  | { readonly kind: 'node-lease'; readonly node: string }
  /** calico-node's pod on the node is Ready. */
  | { readonly kind: 'calico-node'; readonly node: string }
  /** An APIService is Available. */
  | { readonly kind: 'api-service'; readonly name: string }

/** One question asked of the cluster, before and after each step. */
export interface Probe {
  /** Stable and unique, for example `tcp/192.168.218.174/31110`. */
  readonly id: string
  /** What a person reads: `NodePort 31110 on ws1`. */
  readonly title: string
  readonly target: ProbeTarget
  /** `open` probes must stay as the baseline found them; `closed` ones must time out once `node` is closed. */
  readonly expect: 'open' | 'closed'
  /** The node whose closing turns a `closed` expectation on, or whose batch the probe belongs to. */
  readonly node?: string
}

/** What one probe saw. `not-run` is its own answer and never counts as passed. */
export type ProbeOutcome = 'ok' | 'refused' | 'timeout' | 'failed' | 'not-run'

/** Whether the host was reached: a refusal is an answer too. */
export const isReached = (outcome: ProbeOutcome | undefined): boolean => outcome === 'ok' || outcome === 'refused'

/** The answer of one probe. */
export interface ProbeResult {
  readonly id: string
  readonly outcome: ProbeOutcome
  /** The reason in words where the outcome is not `ok`. */
  readonly detail?: string
}
