import type { Audit, CutFlows } from '../proof/audit.ts'
import { table } from './table.ts'

/** Kinds shown; all of them are in `-o json`. */
const most = 50

/** What would be cut, most connections first, and what the figures mean. */
export const auditText = (
  { cut, unknown, seen, sent, kept }: Audit,
  { seconds, nodes }: { readonly seconds: number; readonly nodes: number },
): string => {
  const count = (some: readonly CutFlows[]): number => some.reduce((sum, { connections }) => sum + connections, 0)
  const how = sent === 0 ? 'came in on' : `(${sent} of them begun by nodes) came in on or left`
  const watched = `${seen} connections ${how} ${nodes} ${nodes === 1 ? 'node' : 'nodes'} in ${seconds} s or stood already`
  const parts = [
    cut.length === 0
      ? `${watched}; this firewall cuts none of them.`
      : `${watched}; this firewall would cut ${count(cut)} of them, if they began anew:\n\n${rowsOf(cut)}`,
    ...(unknown.length === 0 ? [] : [`Nobody can tell of ${count(unknown)}:\n\n${rowsOf(unknown)}`]),
    `${kept} stay as they are. Who did not call in these ${seconds} s is not in here: a nightly backup is seen at night. Nothing was written.`,
  ]
  return parts.join('\n\n')
}

const rowsOf = (flows: readonly CutFlows[]): string => {
  const rows = flows
    .slice(0, most)
    .map(({ source, destination, protocol, port, node, connections, because }) => [
      source,
      `${destination}:${port}/${protocol.toLowerCase()}`,
      node,
      `${connections}`,
      because,
    ])
  const rest = flows.length > most ? `\nand ${flows.length - most} more kinds: -o json has them` : ''
  return `${table(['from', 'to', 'node', 'connections', 'because'], rows)}${rest}`
}
