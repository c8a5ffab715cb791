import { toolNamespace } from '../../calico/names.ts'
import { formatRef, type KubeObject, refOf } from '../../calico/object.ts'
import { type Resource, resourceOf } from '../../calico/resources.ts'
import { FwError } from '../../errors.ts'
import type { FailsafeChange } from '../../firewall/plan.ts'
import type { PerformContext } from './context.ts'
import { inParallel } from './parallel.ts'
import { isOurs } from './write.ts'

/** Everything a run may have to do, its undo included: a right missing at step k is found at step 0. */
const verbs: readonly { readonly of: Resource; readonly verbs: readonly string[]; readonly namespace?: string }[] = [
  { of: resourceOf('projectcalico.org/v3', 'HostEndpoint'), verbs: ['get', 'list', 'create', 'patch', 'delete', 'deletecollection'] },
  { of: resourceOf('projectcalico.org/v3', 'GlobalNetworkPolicy'), verbs: ['get', 'list', 'create', 'patch', 'delete'] },
  { of: resourceOf('projectcalico.org/v3', 'GlobalNetworkSet'), verbs: ['get', 'list', 'create', 'patch', 'delete'] },
  { of: resourceOf('projectcalico.org/v3', 'FelixConfiguration'), verbs: ['get', 'list', 'create', 'patch', 'delete'] },
  { of: resourceOf('batch/v1', 'Job'), verbs: ['get', 'create', 'patch', 'delete'], namespace: toolNamespace },
  { of: resourceOf('v1', 'ConfigMap'), verbs: ['get', 'list', 'create', 'patch', 'delete'], namespace: toolNamespace },
  { of: resourceOf('coordination.k8s.io/v1', 'Lease'), verbs: ['get', 'create', 'update'], namespace: toolNamespace },
]

/**
 * Asks the server about every write before the first one: a dry run shows admission, validation and conflicts; access reviews show rights the dry run does not use.
 * @throws FwError FW_PREFLIGHT with every finding
 */
export const preflight = async (context: PerformContext, objects: readonly KubeObject[], failsafes: FailsafeChange | undefined): Promise<void> => {
  const { api } = context.ports
  const findings: string[] = []
  await inParallel(reviewsOf(objects), async ({ of, verb, namespace }) => {
    const attributes = { group: of.group, resource: of.plural, verb, ...(namespace === undefined ? {} : { namespace }) }
    const review = (await api.request('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: attributes },
    })) as { status?: { allowed?: boolean } }
    if (review.status?.allowed !== true)
      findings.push(
        `you may not ${verb} ${of.plural}${of.group === '' ? '' : `.${of.group}`}${namespace === undefined ? '' : ` in namespace ${namespace}`}`,
      )
  })
  if (findings.length > 0)
    throw refused('FW_FORBIDDEN', findings, 'ask for these rights; deploy/rbac.yaml grants them. See: kubectl auth can-i --list')
  await inParallel(objects, async (object) => {
    const before = await api.get(refOf(object))
    if (before !== undefined && !isOurs(before)) {
      findings.push(`${formatRef(refOf(object))} exists and is not this tool's`)
      return
    }
    await api.apply(object, { dryRun: true }).catch((error: unknown) => findings.push(`${formatRef(refOf(object))}: ${sentence(error)}`))
  })
  if (failsafes !== undefined) {
    const spec = { failsafeInboundHostPorts: failsafes.after.inbound, failsafeOutboundHostPorts: failsafes.after.outbound }
    const dryRun = failsafes.exists
      ? api.mergePatch(failsafes.ref, { spec }, { dryRun: true })
      : api.create({ apiVersion: failsafes.ref.apiVersion, kind: failsafes.ref.kind, metadata: { name: failsafes.ref.name }, spec }, { dryRun: true })
    await dryRun.catch((error: unknown) => findings.push(`FelixConfiguration ${failsafes.ref.name}: ${sentence(error)}`))
  }
  if (findings.length > 0) throw refused('FW_PREFLIGHT', findings, 'mend what the API server names, then run the command again')
}

const reviewsOf = (objects: readonly KubeObject[]): { of: Resource; verb: string; namespace?: string }[] => {
  const switches = objects
    .filter(({ kind }) => kind === 'NetworkSet')
    .map((set) => ({ of: resourceOf(set.apiVersion, set.kind), verbs: ['get', 'create', 'patch', 'delete'], namespace: toolNamespace }))
  const services = objects
    .filter(({ kind }) => kind === 'Service')
    .map(({ metadata }) => ({
      of: resourceOf('v1', 'Service'),
      verbs: ['get', 'create', 'patch', 'delete'],
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    }))
  return [...verbs, ...switches, ...services].flatMap(({ verbs: all, ...rest }) => all.map((verb) => ({ ...rest, verb })))
}

const sentence = (error: unknown): string => (error instanceof FwError ? [error.message, error.why].filter(Boolean).join(': ') : String(error))

const refused = (code: 'FW_PREFLIGHT' | 'FW_FORBIDDEN', findings: readonly string[], fix: string): FwError =>
  new FwError(code, `preflight refuses: ${findings[0]}`, { ...(findings.length > 1 ? { why: `also: ${findings.slice(1, 6).join('; ')}` } : {}), fix })
