import { keys, names, ownLabels, toolNamespace } from '../../calico/names.ts'
import type { KubeObject } from '../../calico/object.ts'
import type { Api } from '../../cluster/api.ts'
import { FwError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import { ensureNamespace, namespaceRef } from './namespace.ts'

/** Seconds a holder may be silent. */
export const durationSeconds = 20
/** A holder renews this often, in milliseconds. */
const renewEveryMs = 5_000
/** A write is only allowed this soon after a renewal, in milliseconds: the rest of the duration is for the write itself. */
const freshForMs = 12_000

const leaseRef = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: toolNamespace, name: names.lock }

/** The Lease `calico-fw/calico-fw-lock`, held by one operator at a time. */
export interface Lock {
  /**
   * Creates the namespace and the Lease, or takes it where nobody holds it; with `takeOver` also from a holder who has been silent for too long.
   * @throws FwError FW_BUSY with holder, step and age; FW_FOREIGN when the namespace is somebody else's
   */
  acquire(takeOver: boolean): Promise<void>
  /**
   * To be awaited before each write: renews when the last renewal is not fresh.
   * @throws FwError FW_LOCK_LOST when somebody else holds it
   */
  guard(): Promise<void>
  /** Gives it back; when `leavesNothing` and this run created the namespace, deletes that, as long as it still holds the lock. */
  release(leavesNothing: boolean): Promise<void>
  /**
   * Renews it a last time, for the namespace is deleted with the Lease in it: nobody else begins there meanwhile.
   * @throws FwError FW_LOCK_LOST when somebody else holds it
   */
  retire(): Promise<void>
}

interface LeaseSpec {
  readonly holderIdentity?: string
  readonly renewTime?: string
  readonly leaseTransitions?: number
}

/** What {@link createLock} needs. `step` tells what the holder is at; `lost` is called once, when another holder is seen. */
export interface LockOptions {
  readonly api: Api
  readonly clock: Clock
  readonly holder: string
  readonly step: () => string
  readonly signal: AbortSignal
  readonly lost: (text: string) => void
}

/** Makes a lock that is not held yet. */
export const createLock = ({ api, clock, holder, step, signal, lost }: LockOptions): Lock => {
  let lease: KubeObject | undefined
  let renewedAt = 0
  let createdNamespace = false
  let renewing: Promise<void> | undefined
  const stopped = new AbortController()

  const desired = (epoch: number, known?: KubeObject): KubeObject => ({
    apiVersion: leaseRef.apiVersion,
    kind: leaseRef.kind,
    metadata: {
      name: leaseRef.name,
      namespace: toolNamespace,
      labels: ownLabels(),
      annotations: { [keys.step]: step() },
      ...(known?.metadata.resourceVersion === undefined ? {} : { resourceVersion: known.metadata.resourceVersion }),
    },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: durationSeconds,
      leaseTransitions: epoch,
      renewTime: microTime(clock.wall()),
      acquireTime: microTime(clock.wall()),
    },
  })

  const renew = async (): Promise<void> => {
    if (lease === undefined) throw new FwError('FW_LOCK_LOST', 'the lock was never taken')
    const begun = clock.now()
    try {
      lease = await api.replace(desired(specOf(lease).leaseTransitions ?? 0, lease))
      renewedAt = begun
    } catch (error) {
      if (!(error instanceof FwError) || !['FW_CONFLICT', 'FW_NOT_FOUND'].includes(error.code)) throw error
      const now = await api.get(leaseRef)
      // Our own earlier renewal may have landed although its answer was lost: then the Lease still names us.
      if (now !== undefined && specOf(now).holderIdentity === holder) {
        lease = now
        renewedAt = begun
        return
      }
      const text = now === undefined ? 'the lock was deleted' : `the lock is held by ${specOf(now).holderIdentity ?? 'nobody'}`
      lost(text)
      throw new FwError('FW_LOCK_LOST', text, {
        why: 'two writers must never work on one firewall',
        fix: 'run: kubectl calico-fw status',
        cause: error,
      })
    }
  }

  /** One renewal at a time: two in flight would make one of them conflict with the other. */
  const renewOnce = (): Promise<void> => {
    renewing ??= renew().finally(() => {
      renewing = undefined
    })
    return renewing
  }

  const keepRenewing = async (): Promise<void> => {
    const ended = AbortSignal.any([signal, stopped.signal])
    while (!ended.aborted) {
      try {
        await clock.sleep(renewEveryMs, ended)
        await renewOnce()
      } catch (error) {
        // An outage is not a loss: as long as the Lease still names us when the API returns, nobody else has written.
        if (ended.aborted || (error instanceof FwError && error.code === 'FW_LOCK_LOST')) return
      }
    }
  }

  const retire = async (): Promise<void> => {
    stopped.abort()
    await renewing?.catch(() => undefined)
    await renewOnce()
  }

  return {
    retire,
    acquire: async (takeOver) => {
      createdNamespace = await ensureNamespace(api)
      const known = await api.get(leaseRef)
      if (known !== undefined) await refuseHeld(known, takeOver, { api, clock, holder, signal })
      const begun = clock.now()
      const taking = known === undefined ? api.create(desired(1)) : api.replace(desired((specOf(known).leaseTransitions ?? 0) + 1, known))
      lease = await taking.catch(async (error: unknown) => {
        const now = error instanceof FwError && error.code === 'FW_CONFLICT' ? await api.get(leaseRef) : undefined
        throw now === undefined ? error : busy(now, 'it took the lock just now')
      })
      renewedAt = begun
      void keepRenewing()
    },
    guard: async () => {
      if (clock.now() - renewedAt <= freshForMs) return
      const underWay = renewing
      await renewOnce().catch((error: unknown) => {
        // One that was sent into an outage fails although that is over: then what is asked now decides.
        if (underWay === undefined || (error instanceof FwError && error.code === 'FW_LOCK_LOST')) throw error
        return renewOnce()
      })
    },
    release: async (leavesNothing) => {
      if (leavesNothing && createdNamespace) {
        // A sleeper that was taken over wakes up here as well: the namespace is another's then.
        await retire()
        await api.delete(namespaceRef)
        return
      }
      stopped.abort()
      await renewing?.catch(() => undefined)
      if (lease === undefined) return
      const freed = { ...desired(specOf(lease).leaseTransitions ?? 0, lease), spec: { ...(lease['spec'] as object), holderIdentity: '' } }
      await api.replace(freed)
      lease = undefined
    },
  }
}

const specOf = (lease: KubeObject): LeaseSpec => (lease['spec'] ?? {}) as LeaseSpec

/** Lease times are MicroTime: six digits after the second. */
const microTime = (date: Date): string => date.toISOString().replace('Z', '000Z')

/**
 * A holder that says it is alive, by its own clock, is watched for as long as a Lease lasts, and one that says nothing for one renewal: clocks may be wrong, a
 * heartbeat cannot be. Even then it may only sleep, as a closed laptop does, so taking over is the operator's word; the sleeper finds another holder before its next write.
 */
const refuseHeld = async (
  known: KubeObject,
  takeOver: boolean,
  { api, clock, holder, signal }: Pick<LockOptions, 'api' | 'clock' | 'holder' | 'signal'>,
): Promise<void> => {
  const spec = specOf(known)
  if (spec.holderIdentity === undefined || spec.holderIdentity === '' || spec.holderIdentity === holder) return
  const age = Math.round((clock.wall().getTime() - Date.parse(spec.renewTime ?? '')) / 1000)
  const looksAlive = age <= durationSeconds
  if (looksAlive && !takeOver) throw busy(known, `its last sign of life is ${Math.max(0, age)} s old`)
  const until = clock.now() + (looksAlive ? durationSeconds * 1_000 : renewEveryMs * 1.5)
  while (clock.now() < until) {
    await clock.sleep(renewEveryMs * 0.75, signal)
    const later = await api.get(leaseRef)
    if (later !== undefined && later.metadata.resourceVersion !== known.metadata.resourceVersion) throw busy(known, 'it renewed the lock just now')
  }
  if (takeOver) return
  throw new FwError('FW_BUSY', holderOf(known), {
    why: `its last sign of life is ${age} s old: it is dead or asleep`,
    fix: 'take over: the same command with --take-over. To undo what it left: kubectl calico-fw rollback',
  })
}

const holderOf = (lease: KubeObject): string => {
  const at = lease.metadata.annotations?.[keys.step]
  return `${specOf(lease).holderIdentity ?? 'nobody'} is changing the firewall${at === undefined ? '' : `, at "${at}"`}`
}

const busy = (lease: KubeObject, why: string): FwError =>
  new FwError('FW_BUSY', holderOf(lease), {
    why,
    fix: `wait for it to end; one that is silent for ${durationSeconds} s can be taken over. See: kubectl calico-fw status`,
  })
