import { isOurs, names, plainName } from '../../calico/names.ts'
import { FwError } from '../../errors.ts'
import type { Facts } from '../facts/facts.ts'
import { runOf } from '../facts/standing.ts'
import { listed } from './differences.ts'
import type { Plan } from './plan.ts'

/** What `open` opened is closed again on trial: as if nothing had been kept, so that every HostEndpoint joins the new run. */
export const asUnkept = (facts: Facts): Facts => ({
  ...facts,
  policies: facts.policies.filter(({ metadata }) => plainName(metadata.name) !== names.denyPolicy),
})

/**
 * Where everything is open, the open set goes once every HostEndpoint is in the new run; one that is not would close again at that moment, with no gate over it.
 * @throws FwError FW_GATE
 */
export const refuseLeftClosed = ({ hostEndpoints, nodes }: Facts, { batches }: Plan): void => {
  const planned = new Set(batches.flatMap((batch) => batch.hostEndpoints.map(({ metadata }) => metadata.name)))
  const left = hostEndpoints.filter(
    (one) => isOurs(one) && runOf(one) !== undefined && !planned.has(one.metadata.name) && nodes.some(({ name }) => name === one.spec.node),
  )
  const [first] = left
  if (first === undefined) return
  throw new FwError('FW_GATE', `${listed(left.map(({ metadata }) => `HostEndpoint ${metadata.name}`))} would close without a trial`, {
    why: 'everything is open now, and what an earlier run closed closes again with the rest: its node is NotReady, or the file does not name the interface any more',
    fix: `wait until the node is Ready; or leave it open: kubectl delete hostendpoint ${first.metadata.name}; then run this again`,
  })
}
