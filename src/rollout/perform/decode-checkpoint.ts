import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import * as v from 'valibot'
import { keys } from '../../calico/names.ts'
import type { KubeObject } from '../../calico/object.ts'
import { FwError } from '../../errors.ts'
import { type Checkpoint, checkpointVersion, type End } from '../checkpoint.ts'

/** Bytes a checkpoint may unpack to: the before-images of 5,000 nodes are a tenth of it. */
const longest = 256 << 20
/** Parts one checkpoint may have. */
const mostParts = 2_000

const header = v.looseObject({
  apiVersion: v.string(),
  number: v.pipe(v.string(), v.regex(/^\d+(?:\.\d+){1,2}$/)),
  parts: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(mostParts)),
  sha256: v.string(),
})

const end = v.object({ outcome: v.picklist(['done', 'rolled-back', 'incomplete']), at: v.string(), green: v.number(), why: v.optional(v.string()) })
const numbers = v.optional(v.array(v.number()))
const about = { at: v.string(), by: v.string(), command: v.string() }
const object = v.looseObject({ apiVersion: v.string(), kind: v.string(), metadata: v.looseObject({ name: v.string() }) })
const document = v.looseObject({
  ...about,
  kind: v.literal('Checkpoint'),
  number: v.string(),
  title: v.string(),
  undoes: numbers,
  folds: v.optional(v.array(v.looseObject({ ...about, number: v.number(), undoes: v.array(v.number()), end: v.optional(end) }))),
  images: v.array(
    v.looseObject({
      ref: v.looseObject({ apiVersion: v.string(), kind: v.string(), name: v.string(), namespace: v.optional(v.string()) }),
      before: v.nullable(object),
    }),
  ),
})

/**
 * The checkpoint a header's ConfigMap leads to; `part` gives the text of each of its parts.
 * @throws FwError FW_CHECKPOINT when it is damaged, or written by a version that knows more than this one
 */
export const decodeCheckpoint = (map: KubeObject, part: (number: string, part: number) => string | undefined): Checkpoint => {
  const { name } = map.metadata
  try {
    const found: unknown = JSON.parse((map['data'] as Record<string, string> | undefined)?.['header'] ?? '')
    const version = (found as { apiVersion?: unknown } | null)?.apiVersion
    if (typeof version === 'string' && version !== checkpointVersion) throw newer(name, version)
    const { number, parts, sha256 } = v.parse(header, found)
    const texts = Array.from({ length: parts }, (_, at) => part(number, at))
    if (texts.includes(undefined)) throw damaged(name, 'a part of it is missing')
    const data = texts.join('')
    if (createHash('sha256').update(data).digest('hex') !== sha256) throw damaged(name, 'its checksum does not match')
    const read: unknown = JSON.parse(gunzipSync(Buffer.from(data, 'base64'), { maxOutputLength: longest }).toString())
    const checkpoint = v.parse(document, read) as unknown as Checkpoint
    const ended = endOf(map)
    return { ...checkpoint, ...(ended === undefined ? {} : { end: ended }) }
  } catch (error) {
    throw error instanceof FwError ? error : damaged(name, 'it is not what this tool writes', error)
  }
}

/** An end nobody can read is none: the change counts as one that did not end. */
export const endOf = ({ metadata }: KubeObject): End | undefined => {
  try {
    const read: unknown = JSON.parse(metadata.annotations?.[keys.end] ?? 'null')
    return v.is(end, read) ? read : undefined
  } catch {
    return undefined
  }
}

const damaged = (name: string, why: string, cause?: unknown): FwError =>
  new FwError('FW_CHECKPOINT', `ConfigMap calico-fw/${name} is damaged`, {
    why,
    fix: 'run rollback on the machine that made the change, whose copy may stand in; kubectl calico-fw open needs no checkpoint',
    ...(cause === undefined ? {} : { cause }),
  })

const newer = (name: string, version: string): FwError =>
  new FwError('FW_CHECKPOINT', `ConfigMap calico-fw/${name} was written by a newer version of this tool`, {
    why: `its apiVersion is ${version}; this one knows ${checkpointVersion}`,
    fix: 'use the version that wrote it, or a newer one; kubectl calico-fw open works with any',
  })
