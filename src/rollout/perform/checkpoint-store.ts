import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { keys, ownLabels, toolNamespace } from '../../calico/names.ts'
import type { KubeObject } from '../../calico/object.ts'
import { resourceOf } from '../../calico/resources.ts'
import type { Api } from '../../cluster/api.ts'
import { FwError } from '../../errors.ts'
import { type Checkpoint, compareNumbers, parseNumber } from '../checkpoint.ts'

/** Characters of base64 in one ConfigMap: half of etcd's usual 1 MiB request limit, and below the API's own for ConfigMaps. */
const chunkLength = 500_000

interface Header {
  readonly number: string
  readonly title: string
  readonly at: string
  readonly by: string
  readonly command: string
  readonly parts: number
  readonly sha256: string
}

const configMapName = (number: string, part: number): string => (part === 0 ? `checkpoint-${number}` : `checkpoint-${number}-part-${part}`)

/**
 * Writes a checkpoint as immutable ConfigMaps, the one with the header last: a checkpoint is there when its header is.
 * @throws FwError FW_CONFLICT when the number is taken
 */
export const writeCheckpoint = async (api: Api, checkpoint: Checkpoint): Promise<void> => {
  const data = gzipSync(JSON.stringify(checkpoint)).toString('base64')
  const parts = Array.from({ length: Math.max(1, Math.ceil(data.length / chunkLength)) }, (_, part) =>
    data.slice(part * chunkLength, (part + 1) * chunkLength),
  )
  const { images: _, ...about } = checkpoint
  const header: Header = { ...about, parts: parts.length, sha256: createHash('sha256').update(data).digest('hex') }
  for (const [part, text] of [...parts.entries()].reverse()) {
    await api.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: configMapName(checkpoint.number, part),
        namespace: toolNamespace,
        labels: ownLabels({ [keys.change]: `${parseNumber(checkpoint.number).change}`, [keys.chunk]: `${part}` }),
      },
      immutable: true,
      data: { ...(part === 0 ? { header: JSON.stringify(header) } : {}), images: text },
    })
  }
}

/**
 * Every checkpoint the cluster holds, in order.
 * @throws FwError FW_CHECKPOINT when one is damaged: restoring from half a before-image is worse than refusing
 */
export const readCheckpoints = async (api: Api): Promise<Checkpoint[]> => {
  const maps = (await api.list(resourceOf('v1', 'ConfigMap'), { namespace: toolNamespace, labelSelector: keys.change })) ?? []
  const byName = new Map(maps.map((map) => [map.metadata.name, (map['data'] ?? {}) as Record<string, string>]))
  return maps
    .filter(({ metadata }) => metadata.labels?.[keys.chunk] === '0')
    .map((map) => decode(map, byName))
    .sort((a, b) => compareNumbers(a.number, b.number))
}

const decode = (map: KubeObject, byName: ReadonlyMap<string, Record<string, string>>): Checkpoint => {
  const damaged = (why: string, cause?: unknown) =>
    new FwError('FW_CHECKPOINT', `checkpoint ${map.metadata.name} is damaged`, {
      why,
      fix: 'open the cluster with: kubectl calico-fw open; your own copy of the checkpoint is in ~/.local/state/kubectl-calico-fw',
      ...(cause === undefined ? {} : { cause }),
    })
  try {
    const header = JSON.parse(byName.get(map.metadata.name)?.['header'] ?? '') as Header
    const data = Array.from({ length: header.parts }, (_, part) => byName.get(configMapName(header.number, part))?.['images'] ?? '').join('')
    if (createHash('sha256').update(data).digest('hex') !== header.sha256) throw damaged('its checksum does not match, or a part of it is missing')
    return JSON.parse(gunzipSync(Buffer.from(data, 'base64')).toString()) as Checkpoint
  } catch (error) {
    throw error instanceof FwError ? error : damaged('its header cannot be read', error)
  }
}
