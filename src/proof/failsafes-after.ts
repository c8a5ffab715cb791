import { type Direction, type EffectiveFailsafes, followsDefault } from '../calico/failsafes.ts'
import type { FailsafePort } from '../calico/shapes.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import type { FailsafeChange } from '../firewall/plan/plan.ts'

/** The effective lists once FelixConfiguration `default` is patched: nodes that follow something stronger keep theirs. */
export const failsafesAfter = (facts: Pick<Facts, 'failsafes'>, change: FailsafeChange | undefined): Facts['failsafes'] =>
  change === undefined
    ? facts.failsafes
    : change.ref.name.startsWith('node.')
      ? withOwnLists(facts.failsafes, change.ref.name, change.after)
      : withDefaultLists(facts.failsafes, change.after)

/** One node's own FelixConfiguration: stronger than `default`, weaker than the environment. */
const withOwnLists = (failsafes: Facts['failsafes'], name: string, lists: FailsafeChange['after']): Facts['failsafes'] => {
  const node = name.slice('node.'.length)
  if (failsafes[node] === undefined) return failsafes
  const source = { kind: 'felixconfiguration', name } as const
  return { ...failsafes, [node]: { inbound: { ports: lists.inbound, source }, outbound: { ports: lists.outbound, source } } }
}

/** The effective lists where FelixConfiguration `default` says these; an absent list leaves what is in force. */
export const withDefaultLists = (
  failsafes: Facts['failsafes'],
  lists: Partial<Readonly<Record<Direction, readonly FailsafePort[]>>>,
): Facts['failsafes'] => {
  const patched = (now: EffectiveFailsafes, direction: Direction): EffectiveFailsafes => {
    const ports = lists[direction]
    return ports === undefined || !followsDefault(now.source) ? now : { ports, source: { kind: 'felixconfiguration', name: 'default' } }
  }
  return Object.fromEntries(
    Object.entries(failsafes).map(([node, { inbound, outbound }]) => [
      node,
      { inbound: patched(inbound, 'inbound'), outbound: patched(outbound, 'outbound') },
    ]),
  )
}
