import { isOurs, keys, names } from '../calico/names.ts'
import type { Verdict } from '../verdict/model.ts'
import type { Cast } from './cast.ts'
import type { LifeLine } from './life-line.ts'

/** The last decision: the one that denied, or what the model would have to know. */
export const ruleOf = ({ decisions }: Verdict): string => {
  const last = decisions.at(-1)
  return last === undefined ? 'nothing decides it' : `${last.node === '' ? '' : `on ${last.node}: `}${last.text}`
}

/** What mends a cut: the profile or the foreign policy that cut it where one did, else what the life line itself needs. */
export const remedyOf = ({ remedy }: LifeLine, { action, decisions }: Verdict, { facts }: Cast): string => {
  // Where only some of several ways are cut, the last word is that they differ, and the one before it is what cut.
  const last = action === 'unknown' ? decisions.at(-2) : decisions.at(-1)
  if (last?.stage === 'profile') return `give the HostEndpoints of ${last.node} profiles: [${names.defaultAllowProfile}]`
  const foreign = facts.policies.find((policy) => policy.metadata.name === last?.policy && !isOurs(policy))
  if (foreign === undefined) return remedy
  return `kubectl edit globalnetworkpolicy ${foreign.metadata.name}   # add "&& !has(${keys.run})" to its selector, or delete it`
}
