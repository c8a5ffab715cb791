import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml'
import { type FwCode, FwError } from '../../errors.ts'
import { closest } from './did-you-mean.ts'

/** One place in a YAML file: its value, how people name it, and where it stands. */
export interface Spot {
  /** `spec.allow[2].to`; empty for the whole document. */
  readonly path: string
  /** The node of the yaml library; null where nothing is written. */
  readonly node: unknown
  readonly file: { readonly name: string; readonly lines: LineCounter }
  /** Where to point when the value itself has no place, such as `key:` with nothing behind it. */
  readonly offset: number
}

/** Where to see how it is done. */
const example = 'an example: kubectl calico-fw export, examples/home.yaml, docs/firewall-file.md'

/** No file of ours comes near this; a larger one is a mistake or an attack. */
const sizeLimit = 1024 * 1024

/**
 * Reads one YAML document. Aliases are refused, not expanded: a firewall needs none, and nine nested ones make a billion entries.
 * @throws FwError FW_BAD_FILE
 */
export const readDocument = (text: string, name: string): Spot => {
  const lines = new LineCounter()
  const root: Spot = { path: '', node: null, file: { name, lines }, offset: 0 }
  if (text.length > sizeLimit) throw failure(root, `is larger than ${sizeLimit / 1024} KiB`)
  const [document, second] = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  if (document === undefined || !('contents' in document))
    throw failure(root, 'is empty', { fix: 'write a HostFirewall, or let `kubectl calico-fw init` write one' })
  if (second !== undefined) {
    throw failure({ ...root, offset: second.range[0] }, 'holds more than one document', {
      fix: 'keep one HostFirewall in the file: a cluster has one',
    })
  }
  const [error] = document.errors
  if (error !== undefined)
    throw failure({ ...root, offset: error.pos[0] }, `is not valid YAML: ${error.message.replace(/\s+/g, ' ')}`, {
      fix: `mend it there; ${example}`,
    })
  return { ...root, node: document.contents, offset: document.contents?.range?.[0] ?? 0 }
}

/** An error that says where it is: `home.yaml:12: spec.allow[0].to ...`. */
export const failure = (spot: Spot, what: string, detail: { why?: string; fix?: string; code?: FwCode } = {}): FwError => {
  const { code = 'FW_BAD_FILE', ...more } = detail
  return new FwError(code, `${placeOf(spot)} ${what}`, more)
}

/** `home.yaml:12: spec.allow[0].to`. */
export const placeOf = ({ file, path, offset }: Spot): string => {
  const line = file.lines.lineStarts.length === 0 ? 1 : file.lines.linePos(offset).line
  return `${file.name}:${line}: ${path === '' ? 'the file' : path}`
}

/**
 * The fields of a mapping. An unknown key is an error with the nearest known one: a misspelt `form:` would else open to everyone.
 * @throws FwError FW_BAD_FILE
 */
export const fieldsOf = <Key extends string>(spot: Spot, known: readonly Key[]): { readonly [key in Key]?: Spot } => {
  if (isAlias(spot.node)) throw noAliases(spot)
  if (!isMap(spot.node)) throw failure(spot, `is not a mapping with ${known.join(', ')}`, spot.path === '' ? { fix: example } : {})
  const fields: { [key in Key]?: Spot } = {}
  for (const { key, value } of spot.node.items) {
    const offset = offsetOf(key) ?? spot.offset
    const name = isScalar(key) ? `${key.value}` : ''
    const field = known.find((one) => one === name)
    const path = spot.path === '' ? name : `${spot.path}.${name}`
    if (field === undefined) {
      const guess = closest(name, known)
      const fix = guess === undefined ? `it may be ${known.join(', ')}` : `write ${guess}`
      throw failure({ ...spot, path, offset }, `is not a key of ${spot.path === '' ? 'a HostFirewall' : spot.path}`, { fix })
    }
    fields[field] = { ...spot, path, node: value, offset: offsetOf(value) ?? offset }
  }
  return fields
}

/**
 * The entries of a mapping with keys of the user's choice, such as labels.
 * @throws FwError FW_BAD_FILE
 */
export const entriesOf = (spot: Spot): { readonly key: string; readonly spot: Spot }[] => {
  if (isAlias(spot.node)) throw noAliases(spot)
  if (!isMap(spot.node)) throw failure(spot, 'is not a mapping of keys to values')
  return spot.node.items.map(({ key, value }) => {
    const name = isScalar(key) ? `${key.source ?? key.value}` : ''
    return { key: name, spot: { ...spot, path: `${spot.path}["${name}"]`, node: value, offset: offsetOf(value) ?? offsetOf(key) ?? spot.offset } }
  })
}

/**
 * The items of a list.
 * @throws FwError FW_BAD_FILE
 */
export const itemsOf = (spot: Spot): Spot[] => {
  if (isAlias(spot.node)) throw noAliases(spot)
  if (!isSeq(spot.node)) throw failure(spot, 'is not a list', { fix: 'write it as [ ... ], even for one item' })
  return spot.node.items.map((node, index) => ({ ...spot, path: `${spot.path}[${index}]`, node, offset: offsetOf(node) ?? spot.offset }))
}

/**
 * A text as written. A bare `yes`, `1e3` or `0x50` is no text: what it means depends on the reader.
 * @throws FwError FW_BAD_FILE
 */
export const textOf = (spot: Spot): string => {
  if (isAlias(spot.node)) throw noAliases(spot)
  if (!isScalar(spot.node) || typeof spot.node.value !== 'string') {
    const written = isScalar(spot.node) && spot.node.value !== null ? `${spot.node.source ?? spot.node.value}` : undefined
    throw failure(spot, written === undefined ? 'is not a text' : `is ${written}, which YAML does not read as a text`, {
      ...(written === undefined ? {} : { fix: `quote it: "${written}"` }),
    })
  }
  return spot.node.value
}

/**
 * A number or text exactly as it stands in the file, so that `080` stays visible as what it is.
 * @throws FwError FW_BAD_FILE
 */
export const sourceOf = (spot: Spot): string => {
  if (isAlias(spot.node)) throw noAliases(spot)
  if (!isScalar(spot.node) || (typeof spot.node.value !== 'string' && typeof spot.node.value !== 'number'))
    throw failure(spot, 'is neither a number nor a text')
  return typeof spot.node.value === 'string' ? spot.node.value : (spot.node.source ?? `${spot.node.value}`)
}

/** Whether something stands here: `key:` with nothing behind it counts as not written. */
export const isWritten = (spot: Spot | undefined): spot is Spot =>
  spot !== undefined && spot.node !== null && !(isScalar(spot.node) && spot.node.value === null)

const noAliases = (spot: Spot): FwError => failure(spot, 'is a YAML alias', { fix: 'write the value out' })

const offsetOf = (node: unknown): number | undefined => {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined
  const [start] = node.range
  return typeof start === 'number' ? start : undefined
}
