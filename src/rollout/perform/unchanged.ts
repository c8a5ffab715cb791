import { formatRef, type KubeObject, refOf } from '../../calico/object.ts'
import { FwError } from '../../errors.ts'
import { sameSpec } from '../../firewall/objects/same-spec.ts'
import { applicable } from '../checkpoint.ts'
import type { PerformContext } from './context.ts'
import { failsafesRestored } from './failsafes.ts'
import { inParallel } from './parallel.ts'

/**
 * What this run has written or is about to, HostEndpoints aside, is still as it was read or stored last: what closes next was proved with exactly these. Of
 * FelixConfiguration only the failsafe lists count: the rest is others' to change.
 * @throws FwError FW_CHANGED
 */
export const seeUnchanged = async ({ ports: { api, clock }, memory }: PerformContext): Promise<void> => {
  const known = [...memory.seen.values()].filter((object): object is KubeObject => object !== null && object.kind !== 'HostEndpoint')
  await inParallel(clock, known, async (object) => {
    const ref = refOf(object)
    const now = await api.get(ref)
    const isSame =
      now !== undefined &&
      (object.kind === 'FelixConfiguration' ? failsafesRestored(now, { ref, before: object }) : sameSpec(now, applicable(object)))
    if (isSame) return
    throw new FwError('FW_CHANGED', `${formatRef(ref)} ${now === undefined ? 'is gone' : 'was changed'} in the middle of this run`, {
      why: 'somebody else, GitOps or an operator has its hands on it; what closes next was proved with what this run wrote',
      fix: 'see who: kubectl get -o yaml --show-managed-fields; stop them or tell them, then run the command again',
    })
  })
}
