import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { keys, ownLabels, toolNamespace } from '../../calico/names.ts'
import type { KubeObject, ObjectRef } from '../../calico/object.ts'
import { resourceOf } from '../../calico/resources.ts'
import type { Api } from '../../cluster/api.ts'
import { FwError } from '../../errors.ts'
import { type Checkpoint, compareNumbers, type End, parseNumber } from '../checkpoint.ts'
import { decodeCheckpoint, endOf } from './decode-checkpoint.ts'

/** Characters of base64 in one ConfigMap: half of etcd's usual 1 MiB request limit, and below the API's own for ConfigMaps. */
const chunkLength = 500_000

const configMapName = (number: string, part: number): string => (part === 0 ? `checkpoint-${number}` : `checkpoint-${number}-part-${part}`)
const refOfPart = (number: string, part: number): ObjectRef => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', namespace: toolNamespace },
  name: configMapName(number, part),
})

/**
 * Writes a checkpoint as immutable ConfigMaps, the one with the header last: a checkpoint is there when its header is.
 * @throws FwError FW_CONFLICT when the number is taken
 */
export const writeCheckpoint = async (api: Api, checkpoint: Checkpoint): Promise<void> => {
  const data = gzipSync(JSON.stringify(checkpoint)).toString('base64')
  const parts = Array.from({ length: Math.max(1, Math.ceil(data.length / chunkLength)) }, (_, part) =>
    data.slice(part * chunkLength, (part + 1) * chunkLength),
  )
  // What grows with the cluster is in the parts alone: a ConfigMap takes 1 MiB.
  const { images: _, folds: __, evidence: ___, ...about } = checkpoint
  const header = { ...about, parts: parts.length, sha256: createHash('sha256').update(data).digest('hex') }
  for (const [part, text] of [...parts.entries()].reverse()) {
    const map = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: configMapName(checkpoint.number, part),
        namespace: toolNamespace,
        labels: ownLabels({ [keys.change]: `${parseNumber(checkpoint.number).change}`, [keys.chunk]: `${part}` }),
      },
      immutable: true,
      data: { ...(part === 0 ? { header: JSON.stringify(header) } : {}), images: text },
    }
    await api.create(map).catch((error: unknown) => (part === 0 ? Promise.reject(error) : replaceOrphan(api, map, checkpoint.number, error)))
  }
}

/** A part without its header is what a client left that died between the two: nobody's, and in the way of whoever uses the number next. */
const replaceOrphan = async (api: Api, map: KubeObject, number: string, error: unknown): Promise<void> => {
  const isTaken = error instanceof FwError && error.code === 'FW_CONFLICT'
  if (!isTaken || (await api.get(refOfPart(number, 0))) !== undefined) throw error
  await api.delete({ apiVersion: map.apiVersion, kind: map.kind, namespace: toolNamespace, name: map.metadata.name })
  await api.create(map)
}

/** A checkpoint that cannot be read; how its change ended is written beside it and may still be. */
interface DamagedCheckpoint {
  readonly number: string
  readonly error: FwError
  readonly end?: End | undefined
}

/** Checkpoints as the cluster has them. */
export interface StoredCheckpoints {
  /** In rising order of their numbers. */
  readonly checkpoints: readonly Checkpoint[]
  /** Those that cannot be read, each with an FW_CHECKPOINT that names it: restoring from half a before-image is worse than refusing. */
  readonly damaged: readonly DamagedCheckpoint[]
}

/** Every checkpoint the cluster holds. */
export const readCheckpoints = async (api: Api): Promise<StoredCheckpoints> => {
  const maps = await listMaps(api)
  const damaged: DamagedCheckpoint[] = []
  const checkpoints = maps.filter(isHeader).flatMap((map): Checkpoint[] => {
    try {
      return [decodeCheckpoint(map, (number, part) => textOf(maps, configMapName(number, part)))]
    } catch (error) {
      if (!(error instanceof FwError)) throw error
      damaged.push({ number: map.metadata.name.slice(configMapName('', 0).length), error, end: endOf(map) })
      return []
    }
  })
  return { checkpoints: checkpoints.sort((a, b) => compareNumbers(a.number, b.number)), damaged }
}

/** Writes down how a change ended, beside its first checkpoint: what the checkpoint holds never changes. */
export const markEnd = async (api: Api, change: number, end: End): Promise<void> => {
  await api.mergePatch(refOfPart(`${change}.1`, 0), { metadata: { annotations: { [keys.end]: JSON.stringify(end) } } })
}

/** Deletes checkpoints, the header of each first: what a crash leaves of it is parts that nobody takes for a checkpoint, and the next pruning takes them. */
export const deleteCheckpoints = async (api: Api, numbers: readonly string[], guard: () => Promise<void>): Promise<void> => {
  const maps = await listMaps(api)
  const partsOf = (number: string) => maps.filter(({ metadata }) => metadata.name.startsWith(`${configMapName(number, 0)}-part-`))
  const headers = new Set(maps.filter(isHeader).map(({ metadata }) => metadata.name))
  const orphans = maps.filter((map) => !isHeader(map) && !headers.has(map.metadata.name.replace(/-part-\d+$/, '')))
  const doomed = [...numbers.flatMap((number) => [configMapName(number, 0), ...partsOf(number).map(nameOf)]), ...orphans.map(nameOf)]
  for (const name of doomed) {
    await guard()
    await api.delete({ apiVersion: 'v1', kind: 'ConfigMap', namespace: toolNamespace, name })
  }
}

const listMaps = async (api: Api): Promise<KubeObject[]> =>
  (await api.list(resourceOf('v1', 'ConfigMap'), { namespace: toolNamespace, labelSelector: keys.change })) ?? []

const isHeader = ({ metadata }: KubeObject): boolean => metadata.labels?.[keys.chunk] === '0'
const nameOf = ({ metadata }: KubeObject): string => metadata.name

const textOf = (maps: readonly KubeObject[], name: string): string | undefined => {
  const images = (maps.find(({ metadata }) => metadata.name === name)?.['data'] as Record<string, unknown> | undefined)?.['images']
  return typeof images === 'string' ? images : undefined
}
