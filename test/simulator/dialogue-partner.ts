import https from 'node:https'
import type { Step } from './dialogue.ts'

/** The answer to one step. */
export interface Heard {
  readonly code: number
  readonly body: unknown
}

/** Whom the dialogue is held with. */
export interface Partner {
  readonly url: string
  readonly tokens: Readonly<Record<'admin' | 'nobody' | 'bad', string>>
  /** A unix socket it listens behind. */
  readonly socketPath?: string
}

/** What of an answer must be the same. */
export const compared = ({ compare = 'all' }: Step, heard: Heard | undefined): unknown => {
  if (heard === undefined || compare === 'code') return heard?.code
  const { reason, items = [], metadata = {} } = heard.body as Partial<{ reason: string; items: Named[]; metadata: Page }>
  if (compare === 'reason') return { code: heard.code, reason }
  if (compare !== 'page') return heard
  return {
    code: heard.code,
    names: items.map((item) => item.metadata.name),
    more: metadata.continue !== undefined,
    left: metadata.remainingItemCount,
  }
}

interface Named {
  readonly metadata: { readonly name: string }
}
interface Page {
  readonly continue?: string
  readonly remainingItemCount?: number
}

const isFields = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A body of JSON; what a watch says is one event a line. */
const read = (text: string): unknown => {
  const lines = text.trim().split('\n')
  return lines.length === 1 && !lines[0]?.startsWith('{"type":')
    ? JSON.parse(text)
    : lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}

const ask = ({ url, tokens, socketPath }: Partner, step: Step, body: string, path: string): Promise<Heard> =>
  new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${tokens[step.as ?? 'admin']}`,
      'user-agent': 'dialogue/1',
      ...(body === '' ? {} : { 'content-type': step.contentType ?? 'application/json', 'content-length': Buffer.byteLength(body) }),
    }
    const request = https.request(
      new URL(path, url),
      { method: step.method, headers, rejectUnauthorized: false, ...(socketPath === undefined ? {} : { socketPath }) },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const isJson = `${response.headers['content-type']}`.includes('json')
          resolve({ code: response.statusCode ?? 0, body: isJson ? read(text) : text.trim() })
        })
        response.on('error', reject)
      },
    )
    request.on('error', reject)
    request.end(body)
  })

/** Asks a partner step by step; a step may name what the answers to earlier ones said. */
export const speaker = (partner: Partner): ((step: Step) => Promise<Heard>) => {
  const answers = new Map<string, Heard>()
  const fill = (text: string): string =>
    text.replace(/\{(uid|rv|continue):([^}]+)\}/g, (_, what: string, of: string) => {
      const body = answers.get(of)?.body
      const metadata = isFields(body) && isFields(body['metadata']) ? body['metadata'] : {}
      return `${metadata[what === 'rv' ? 'resourceVersion' : what]}`
    })
  return async (step) => {
    const body = step.body === undefined ? '' : fill(JSON.stringify(step.body))
    const heard = await ask(partner, step, body, fill(step.path))
    answers.set(step.name, heard)
    return heard
  }
}

/** Holds the dialogue and returns every answer by step, with names a server makes up replaced by their order of appearance. */
export const hold = async (partner: Partner, steps: readonly Step[]): Promise<Record<string, Heard>> => {
  const say = speaker(partner)
  const heard: [string, Heard][] = []
  for (const step of steps) heard.push([step.name, await say(step)])
  const named = createNames()
  return Object.fromEntries(heard.map(([name, { code, body }]) => [name, { code, body: named(body) }]))
}

/** Replaces uids, versions and times by the order in which they first appeared, so that two dialogues can be compared. */
const createNames = (): ((value: unknown) => unknown) => {
  const known = new Map<string, string>()
  const nameOf = (kind: string, value: string): string => {
    const key = `${kind} ${value}`
    const name = known.get(key) ?? `${kind}-${[...known.keys()].filter((one) => one.startsWith(`${kind} `)).length + 1}`
    known.set(key, name)
    return name
  }
  const inText = (text: string): string =>
    [...known].reduce((rest, [key, name]) => (key.startsWith('uid ') ? rest.replaceAll(key.slice(4), name) : rest), text)
  const visit = (value: unknown, field: string, inMetadata: boolean, isList: boolean): unknown => {
    if (Array.isArray(value)) return value.map((item) => visit(item, field, inMetadata, isList))
    if (isFields(value)) {
      const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
      return Object.fromEntries(
        entries.map(([key, inner]) => [
          inText(key),
          visit(inner, key, field === 'metadata', isList || (`${value['kind']}`.endsWith('List') && key === 'metadata')),
        ]),
      )
    }
    if (typeof value !== 'string') return value
    if (field === 'uid' && value.length > 30) return nameOf('uid', value)
    if (field === 'resourceVersion' && inMetadata) return isList ? 'RV' : nameOf('rv', value)
    return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? 'TIME' : inText(value)
  }
  const meet = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(meet)
    if (!isFields(value)) return
    if (typeof value['uid'] === 'string' && value['uid'].length > 30) nameOf('uid', value['uid'])
    Object.values(value).forEach(meet)
  }
  return (value) => {
    meet(value)
    return visit(value, '', false, false)
  }
}
