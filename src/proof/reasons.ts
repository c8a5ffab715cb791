import { isOurs, keys, names } from '../calico/names.ts'
import { isEgressPolicy } from '../firewall/objects/egress-policy.ts'
import { hostCidr } from '../net/cidr.ts'
import type { Connection, Verdict } from '../verdict/model.ts'
import type { Cast } from './cast.ts'
import type { LifeLine } from './life-line.ts'

/** The last decision: the one that denied, or what the model would have to know. */
export const ruleOf = ({ decisions }: Verdict): string => {
  const last = decisions.at(-1)
  return last === undefined ? 'nothing decides it' : `${last.node === '' ? '' : `on ${last.node}: `}${last.text}`
}

/** What lets a connection out. */
const entryFor = ({ destination, protocol, port }: Connection): string =>
  `add to spec.egress: {name: more, to: {nets: [${hostCidr(destination)}]}, traffic: [{protocol: ${protocol}${port === undefined ? '' : `, ports: [${port}]`}}]}`

/** What mends a cut: the profile or the foreign policy that cut it where one did, else what the lifeline itself needs. */
export const remedyOf = ({ remedy, connection }: LifeLine, { action, decisions }: Verdict, { facts }: Cast): string => {
  // Where only some of several ways are cut, the last word is that they differ, and the one before it is what cut.
  const last = action === 'unknown' ? decisions.at(-2) : decisions.at(-1)
  if (last?.policy !== undefined && isEgressPolicy(last.policy)) return entryFor(connection)
  if (last?.stage === 'profile') return `give the HostEndpoints of ${last.node} profiles: [${names.defaultAllowProfile}]`
  const foreign = facts.policies.find((policy) => policy.metadata.name === last?.policy && !isOurs(policy))
  if (foreign === undefined) return remedy
  return `kubectl edit globalnetworkpolicy ${foreign.metadata.name}   # add "&& !has(${keys.run})" to its selector, or delete it`
}
