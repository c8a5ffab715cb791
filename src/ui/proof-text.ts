import type { Proof } from '../proof/prove-states.ts'
import { counted } from './wrap.ts'

/** What the proof says of a change it lets pass: what was asked, and what it could not decide. */
export const proofText = ({ scope, checked, undecided }: Pick<Proof, 'scope' | 'checked' | 'undecided'>): string => {
  const stood =
    scope.asked < scope.nodes ? `, on ${counted(scope.asked, 'node')} that stand for ${scope.nodes} of ${counted(scope.kinds, 'kind')}` : ''
  const proved = `Proved: in no state of this change is a known lifeline cut (${counted(scope.lifeLines, 'lifeline')} in ${counted(scope.states, 'state')}${stood}, ${checked} verdicts).`
  const [first] = undecided
  if (first === undefined) return proved
  return `${proved} Not proved, for nobody can tell whether they work today: ${first.flow}${undecided.length > 1 ? ` and ${undecided.length - 1} more` : ''} (${first.why}).`
}
