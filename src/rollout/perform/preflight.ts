import { isOurs, toolNamespace } from '../../calico/names.ts'
import { formatRef, type KubeObject, refOf } from '../../calico/object.ts'
import { rightsToNarrow, rightsToWrite } from '../../calico/rights.ts'
import { FwError } from '../../errors.ts'
import type { Facts } from '../../firewall/facts/facts.ts'
import { sameSpec } from '../../firewall/objects/same-spec.ts'
import type { FailsafeChange } from '../../firewall/plan/plan.ts'
import { type Access, isAllowed } from '../access-review.ts'
import type { PerformContext } from './context.ts'
import { inParallel } from './parallel.ts'

/**
 * Asks the server about every write before the first one: a dry run shows admission, validation and conflicts; access reviews show rights the dry run does not use.
 * @throws FwError FW_PREFLIGHT with every finding
 */
export const preflight = async (context: PerformContext, objects: readonly KubeObject[], failsafes: readonly FailsafeChange[]): Promise<void> => {
  const { api, clock } = context.ports
  const findings: string[] = []
  await inParallel(clock, reviewsOf(context.subject.facts.calico, failsafes), async (access) => {
    if (!(await isAllowed(api, access))) findings.push(`you may not ${inWords(access)}`)
  })
  if (findings.length > 0)
    throw refused('FW_FORBIDDEN', findings, 'ask for these rights; deploy/rbac.yaml grants them. See: kubectl auth can-i --list')
  await inParallel(clock, objects, async (object) => {
    const before = await api.get(refOf(object))
    if (before !== undefined && !isOurs(before)) {
      findings.push(`${formatRef(refOf(object))} exists and is not this tool's`)
      return
    }
    await api.apply(object, { dryRun: true }).then(
      (stored) => {
        if (!sameSpec(stored, object))
          findings.push(`${formatRef(refOf(object))} would not be stored as written: a webhook or an admission policy changes it on the way in`)
      },
      (error: unknown) => findings.push(`${formatRef(refOf(object))}: ${sentence(error)}`),
    )
  })
  for (const { ref, exists, after } of failsafes) {
    const spec = { failsafeInboundHostPorts: after.inbound, failsafeOutboundHostPorts: after.outbound }
    const dryRun = exists
      ? api.mergePatch(ref, { spec }, { dryRun: true })
      : api.create({ apiVersion: ref.apiVersion, kind: ref.kind, metadata: { name: ref.name }, spec }, { dryRun: true })
    await dryRun.catch((error: unknown) => findings.push(`FelixConfiguration ${ref.name}: ${sentence(error)}`))
  }
  if (findings.length > 0) throw refused('FW_PREFLIGHT', findings, 'mend what the API server names, then run the command again')
}

/** Every right a run may need, its undo included: one that is missing at step k is found at step 0. */
const reviewsOf = (calico: Facts['calico'], failsafes: readonly FailsafeChange[]): Access[] => {
  const namespaces = { cluster: undefined, tool: toolNamespace, calico: calico.namespace }
  return [...rightsToWrite, ...rightsToNarrow(failsafes.map(({ ref }) => ref.name))]
    .filter(({ only }) => only === undefined || only === calico.flavour || (only === 'aggregated' && calico.flavour === 'storage'))
    .flatMap(({ group, resource, verbs, where, names = [undefined] }) =>
      verbs.flatMap((verb) =>
        names.map((name) => ({
          ...{ group: calico.flavour === 'storage' && group === 'projectcalico.org' ? 'crd.projectcalico.org' : group, resource, verb },
          ...(namespaces[where] === undefined ? {} : { namespace: namespaces[where] }),
          ...(name === undefined ? {} : { name }),
        })),
      ),
    )
}

const inWords = ({ group, resource, verb, namespace, name }: Access): string =>
  [
    verb,
    `${resource}${group === '' ? '' : `.${group}`}`,
    ...(name === undefined ? [] : [`"${name}"`]),
    ...(namespace === undefined ? [] : [`in namespace ${namespace}`]),
  ].join(' ')

const sentence = (error: unknown): string => (error instanceof FwError ? [error.message, error.why].filter(Boolean).join(': ') : String(error))

const refused = (code: 'FW_PREFLIGHT' | 'FW_FORBIDDEN', findings: readonly string[], fix: string): FwError =>
  new FwError(code, `preflight refuses: ${findings[0]}`, { ...(findings.length > 1 ? { why: `also: ${findings.slice(1, 6).join('; ')}` } : {}), fix })
