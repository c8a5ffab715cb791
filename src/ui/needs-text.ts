import type { Facts } from '../firewall/facts/facts.ts'
import { interfaceWords } from '../firewall/facts/interface-words.ts'
import { operatorWords } from '../firewall/facts/operator-path.ts'
import { needsOf } from '../firewall/plan/needs.ts'
import { table } from './table.ts'
import { wrap } from './wrap.ts'

/** As many places as fit, one at least; all of them are in `doctor -o json` and in saved facts. */
const fitting = (items: readonly string[], width: number): string => {
  const shown = (count: number) => `${items.slice(0, count).join(', ')}${count < items.length ? ` +${items.length - count}` : ''}`
  return items.map((_, at) => shown(items.length - at)).find((text) => text.length <= width) ?? shown(1)
}

/** Sentences about interfaces that fit beside the rest. */
const most = 4

const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length))

const clusterWords = ({ cluster, calico, kubeProxy, nodes, components }: Facts): string => {
  const { distribution, calicoOwner } = components ?? {}
  const kind = distribution === undefined || distribution.name === 'unknown' ? '' : `${distribution.name}, `
  const keeper = calicoOwner === undefined || calicoOwner.name === 'unknown' ? '' : `, kept by ${calicoOwner.name}`
  return `${nodes.length} nodes: ${kind}Kubernetes ${cluster.kubernetesVersion}; Calico ${calico.version ?? 'of unknown version'} (${calico.dataplane === 'unknown' ? 'packet filter not known' : calico.dataplane}, ${calico.flavour} API${keeper}); kube-proxy ${kubeProxy.mode}.`
}

/** What a cluster lives on, in one screen: where each lifeline is, and what keeps it once the nodes are closed; then the operator's own way. */
export const needsText = (facts: Facts, columns: number): string => {
  const needs = needsOf(facts)
  const told = interfaceWords(facts.nodes)
  const headers = ['it lives on', 'where', 'kept by'] as const
  const gaps = 6
  const width = columns - gaps - widest([headers[0], ...needs.map(({ what }) => what)]) - widest([headers[2], ...needs.map(({ kept }) => kept)])
  return [
    wrap(clusterWords(facts), { columns }),
    '',
    table(
      headers,
      needs.map(({ what, where, kept }) => [what, fitting(where, width), kept]),
    ),
    '',
    ...told.slice(0, most).map((text) => wrap(text, { columns, first: '  ' })),
    ...(told.length > most ? [`  and ${told.length - most} more: kubectl calico-fw doctor`] : []),
    ...operatorWords(facts).map(({ level, text }) => wrap(text, { columns, first: level === 'warning' ? '! ' : '  ' })),
  ].join('\n')
}
