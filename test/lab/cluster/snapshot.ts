import { inParallel } from '../machine/run.ts'
import type { LabApi, LabObject } from './api.ts'

/** Every object of a cluster, by kind and name, as it would be written: without what servers and controllers keep in it. */
export type Snapshot = ReadonlyMap<string, string>

interface Resource {
  readonly name: string
  readonly kind: string
  readonly verbs: readonly string[]
}

/** What beats by itself and says nothing of a user's intent. */
const restless = new Set(['Event', 'PodMetrics', 'NodeMetrics', 'ComponentStatus'])
const beatsIn = ['kube-node-lease', 'kube-system']
const isHeartbeat = ({ kind, metadata }: LabObject) => restless.has(kind) || (kind === 'Lease' && beatsIn.includes(metadata.namespace ?? ''))

/** Reads every object of every kind the API server serves. */
export const snapshot = async (api: LabApi): Promise<Snapshot> => {
  const groups = ((await api.request('GET', '/apis')).body as { groups: { preferredVersion: { groupVersion: string } }[] }).groups
  const roots = ['/api/v1', ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)]
  const lists = await inParallel(4, roots, async (root) => {
    const { resources = [] } = (await api.request('GET', root)).body as { resources?: Resource[] }
    const listable = resources.filter(({ name, verbs }) => verbs.includes('list') && !name.includes('/'))
    return inParallel(4, listable, async ({ name, kind }) => {
      const { status, body } = await api.request('GET', `${root}/${name}`)
      if (status !== 200) return []
      return (body as { items: LabObject[] }).items.map((item): LabObject => ({ ...item, apiVersion: root.replace(/^\/apis?\//, ''), kind }))
    })
  })
  const objects = lists.flat(2).filter((object) => !isHeartbeat(object))
  return new Map(objects.map((object) => [keyOf(object), JSON.stringify(stripped(object))]))
}

/** What differs between two snapshots, one object a line: `+` is new, `-` is gone, `~` is changed. */
export const differences = (before: Snapshot, after: Snapshot): string[] => {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort()
  return keys.flatMap((key) => {
    const [old, now] = [before.get(key), after.get(key)]
    if (old === now) return []
    return [`${old === undefined ? '+' : now === undefined ? '-' : '~'} ${key}`]
  })
}

const keyOf = ({ apiVersion, kind, metadata: { namespace, name } }: LabObject): string =>
  `${apiVersion} ${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`

const stripped = ({ status: _, metadata, ...rest }: LabObject): unknown => {
  const { resourceVersion: _version, generation: _generation, managedFields: _fields, ...kept } = metadata as Record<string, unknown>
  return { ...rest, metadata: kept }
}
