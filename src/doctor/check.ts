import type { Facts } from '../firewall/facts/facts.ts'

/** Categories in the order they are told. */
export const categories = [
  'API',
  'Calico',
  'interfaces',
  'failsafes',
  'foreign HostEndpoints',
  'foreign policies',
  'orphans',
  'NodePorts',
  'kube-proxy',
  'owners',
  'RBAC',
  'gate',
] as const

/** One of {@link categories}. */
type Category = (typeof categories)[number]

/** One thing that is not as it should be. `error`: the firewall would be unsafe or refused. `warning`: somebody should know. */
export interface Finding {
  readonly severity: 'warning' | 'error'
  /** What was seen, naming the object. */
  readonly evidence: string
  /** A command or an edit that mends it. */
  readonly hint: string
}

/** A question asked of the facts; reads only, and knows nothing else. */
export interface Check {
  /** Stable, for example `FW-D304`; the hundred is its category's. */
  readonly id: string
  readonly category: Category
  /** What holds where nothing is found. */
  readonly title: string
  readonly look: (facts: Facts) => readonly Finding[]
}

/** A check and what it found. */
export interface CheckResult extends Pick<Check, 'id' | 'category' | 'title'> {
  readonly outcome: 'ok' | 'warning' | 'error'
  readonly findings: readonly Finding[]
}

export const error = (evidence: string, hint: string): Finding => ({ severity: 'error', evidence, hint })
export const warning = (evidence: string, hint: string): Finding => ({ severity: 'warning', evidence, hint })

/** The first few of many, with how many more there are. */
export const some = (items: readonly string[], most = 3): string =>
  `${items.slice(0, most).join(', ')}${items.length > most ? ` and ${items.length - most} more` : ''}`
