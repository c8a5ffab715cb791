import type { FailsafePort } from './shapes.ts'

/** Inbound or outbound, seen from the node. */
export type Direction = 'inbound' | 'outbound'

const entry = (protocol: 'TCP' | 'UDP', ...ports: number[]): FailsafePort[] => ports.map((port) => ({ protocol, port }))

/**
 * Felix's own lists where FelixConfiguration is silent; identical from v3.20 to v3.33
 * (felix/config/config_params.go, `FailsafeInboundHostPorts` and `FailsafeOutboundHostPorts`).
 */
export const defaultFailsafes: Readonly<Record<Direction, readonly FailsafePort[]>> = {
  inbound: [...entry('TCP', 22, 179, 2379, 2380, 5473, 6443, 6666, 6667), ...entry('UDP', 68)],
  outbound: [...entry('TCP', 179, 2379, 2380, 5473, 6443, 6666, 6667), ...entry('UDP', 53, 67)],
}

/** Where a node's effective list comes from, in Felix's order of precedence (felix/config/config_params.go `SourcesInDescendingOrder`). */
export type FailsafeSource =
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'felixconfiguration'; readonly name: string }
  | { readonly kind: 'default' }

/** The failsafe list in force on a node, and who says so. */
export interface EffectiveFailsafes {
  readonly ports: readonly FailsafePort[]
  readonly source: FailsafeSource
}
