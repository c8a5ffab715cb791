import { effectiveFailsafes } from '../calico/failsafes.ts'
import type { FelixConfiguration } from '../calico/shapes.ts'
import type { DetectedCalico } from '../cluster/detect-calico.ts'
import { FwError } from '../errors.ts'
import type { Facts, NodeFacts } from '../firewall/facts/facts.ts'
import type { Reader } from './reader.ts'

/**
 * The failsafes in force on every node.
 * @throws FwError FW_BAD_FAILSAFE when Felix could not read them, unless `whenBroken` is `empty`: then they are noted and taken as none
 */
export const failsafesOf = (
  reader: Reader,
  nodes: readonly NodeFacts[],
  { calicoNode }: DetectedCalico,
  configurations: readonly FelixConfiguration[],
  whenBroken: 'throw' | 'empty',
): Facts['failsafes'] => {
  if (calicoNode === undefined) {
    const why = 'no DaemonSet or pod of it is in sight; it may overrule FelixConfiguration'
    reader.note({ kind: 'environment', what: 'environment of calico-node', why })
  }
  const of = ({ name, labels }: NodeFacts): Facts['failsafes'][string] => {
    try {
      return effectiveFailsafes({ environment: calicoNode?.env ?? {}, configurations, nodeName: name, nodeLabels: labels })
    } catch (error) {
      if (!(error instanceof FwError && whenBroken === 'empty')) throw error
      reader.note({ kind: 'environment', what: 'effective failsafes', why: error.message })
      const none = { ports: [], source: { kind: 'default' } } as const
      return { inbound: none, outbound: none }
    }
  }
  return Object.fromEntries(nodes.map((node) => [node.name, of(node)]))
}
