import { fieldManager, keys, names, ownLabels, toolNamespace } from '../../calico/names.ts'
import { resourceOf } from '../../calico/resources.ts'
import type { Api } from '../../cluster/api.ts'
import { FwError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import type { PerformContext } from './context.ts'
import { inParallel } from './parallel.ts'

export const namespaceRef = { apiVersion: 'v1', kind: 'Namespace', name: toolNamespace }

/**
 * Creates our namespace where it is not there yet; tells whether it did.
 * @throws FwError FW_BUSY while it is being deleted; FW_FOREIGN when it is somebody else's
 */
export const ensureNamespace = async (api: Api): Promise<boolean> => {
  const known = await api.get(namespaceRef)
  if (known !== undefined) {
    if (known.metadata.deletionTimestamp !== undefined) {
      throw new FwError('FW_BUSY', `namespace ${toolNamespace} is being deleted`, {
        why: 'an earlier rollback is still cleaning up',
        fix: 'try again in a few seconds',
      })
    }
    if (known.metadata.labels?.[keys.managedBy] !== ownLabels()[keys.managedBy]) {
      throw new FwError('FW_FOREIGN', `namespace ${toolNamespace} exists and is not this tool's`, {
        why: `the gate trusts whatever lives in it; it lacks the label ${keys.managedBy}=${ownLabels()[keys.managedBy]}`,
        fix: `look at it, then: kubectl delete namespace ${toolNamespace}`,
      })
    }
    return false
  }
  try {
    await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: toolNamespace, labels: ownLabels() } })
    return true
  } catch (error) {
    // Somebody begins at the same moment: whether it is ours is asked again.
    if (error instanceof FwError && error.code === 'FW_CONFLICT' && (await api.get(namespaceRef)) !== undefined) return ensureNamespace(api)
    throw error
  }
}

/**
 * Deletes our namespace and sees it gone; the namespace controller takes seconds, and hangs while an aggregated API is down. One that an administrator made
 * is emptied and stays, with the roles bound in it.
 */
export const removeNamespace = async ({ ports: { api, clock, report } }: PerformContext): Promise<void> => {
  if ((await api.get(namespaceRef))?.metadata.annotations?.[keys.keep] !== undefined) {
    await emptyNamespace(api, clock)
    return
  }
  await api.delete(namespaceRef)
  const until = clock.now() + 60_000
  while ((await api.get(namespaceRef)) !== undefined) {
    if (clock.now() > until) {
      report({ kind: 'note', text: `namespace ${toolNamespace} is still terminating; it holds nothing that closes anything` })
      return
    }
    await clock.sleep(300)
  }
}

/** The lock goes last: until then nobody else begins. */
const emptyNamespace = async (api: Api, clock: Clock): Promise<void> => {
  const mine = { namespace: toolNamespace, labelSelector: `${keys.managedBy}=${fieldManager}` }
  const maps = (await api.list(resourceOf('v1', 'ConfigMap'), mine)) ?? []
  await inParallel(clock, maps, async ({ metadata: { name } }) => {
    await api.delete({ apiVersion: 'v1', kind: 'ConfigMap', namespace: toolNamespace, name })
  })
  await api.delete({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: toolNamespace, name: names.lock })
}
