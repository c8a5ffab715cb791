/** One tick of the abstract clock: a third of the window. */
export const ticksOfWindow = 3

/** What of a cluster the protocol can change or see. Times are ticks. */
export interface Cluster {
  readonly now: number
  /** `Kind name` of every object there, the lock and the checkpoints aside. */
  readonly objects: ReadonlySet<string>
  /** When the gate's Job fails; undefined without one. */
  readonly failsAt: number | undefined
  readonly lock: { readonly holder: 'me' | 'other'; readonly renewed: number } | undefined
  /** kube-controller-manager keeps deadlines. */
  readonly controllers: boolean
  /** The API server answers. */
  readonly api: boolean
}

/** One request that changes something. `free` ones need neither lock nor before-image: what takes the lock, what opens, and the gate's own deadline. */
export type Write =
  | { readonly kind: 'put' | 'delete'; readonly key: string; readonly free?: true }
  | { readonly kind: 'job'; readonly key: string }
  | { readonly kind: 'renew' }
  | { readonly kind: 'lock' | 'unlock'; readonly free: true }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'namespace' }

/** The cluster once a write has landed. */
export const landed = (cluster: Cluster, write: Write): Cluster => {
  const { objects, now } = cluster
  switch (write.kind) {
    case 'put': {
      if (objects.has(write.key)) return cluster
      const put = { ...cluster, objects: new Set(objects).add(write.key) }
      // A set whose Job is gone already is collected at once.
      return write.key.startsWith('NetworkSet gate-') && cluster.failsAt === undefined ? { ...put, failsAt: now } : put
    }
    case 'delete':
      return without(cluster, write.key)
    case 'job':
      return { ...cluster, objects: new Set(objects).add(write.key), failsAt: now + ticksOfWindow }
    case 'renew':
      return hasGate(cluster) ? { ...cluster, failsAt: now + ticksOfWindow } : cluster
    case 'lock':
      return { ...cluster, lock: { holder: 'me', renewed: now } }
    case 'unlock':
      return { ...cluster, lock: undefined }
    case 'namespace': {
      const left = [...objects].filter((key) => !key.startsWith('Job ') && !key.startsWith('NetworkSet '))
      return { ...cluster, objects: new Set(left), failsAt: undefined, lock: undefined }
    }
    case 'checkpoint':
      return cluster
  }
}

/** Its Job is there and has not failed. */
export const hasGate = ({ objects, failsAt, now }: Cluster): boolean =>
  failsAt !== undefined && failsAt > now && [...objects].some((key) => key.startsWith('Job gate-'))

const without = (cluster: Cluster, key: string): Cluster => {
  if (!cluster.objects.has(key)) return cluster
  const objects = new Set(cluster.objects)
  objects.delete(key)
  if (!key.startsWith('Job ')) return { ...cluster, objects }
  // What the Job owned is collected as if it had failed now.
  const owned = [...objects].some((one) => one.startsWith('NetworkSet gate-'))
  return { ...cluster, objects, failsAt: owned ? cluster.now : undefined }
}

/** A tick later. Controllers that run take away what a failed Job owns, and the Job. */
export const later = (cluster: Cluster, ticks = 1): Cluster => {
  const now = cluster.now + ticks
  const expired = cluster.controllers && cluster.failsAt !== undefined && cluster.failsAt <= now
  return expired ? { ...expire(cluster), now } : { ...cluster, now }
}

const expire = (cluster: Cluster): Cluster => ({
  ...cluster,
  objects: new Set([...cluster.objects].filter((key) => !key.startsWith('Job gate-') && !key.startsWith('NetworkSet gate-'))),
  failsAt: undefined,
})

/** The cluster when nobody is left and its controllers have had their time. */
export const abandoned = (cluster: Cluster): Cluster =>
  cluster.failsAt === undefined ? cluster : later({ ...cluster, controllers: true, api: true }, ticksOfWindow + 1)
