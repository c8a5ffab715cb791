import { isMap, isSeq, parseDocument, stringify, type YAMLSeq } from 'yaml'
import { FwError } from '../../errors.ts'
import { parseHostFirewall } from './firewall-file.ts'
import { plainEntry } from './firewall-text.ts'
import type { AllowEntry, ExtraFailsafe, HostFirewall } from './host-firewall.ts'

/**
 * Adds an allow entry to a HostFirewall file and leaves every other byte as it was, comments included.
 * @throws FwError FW_BAD_FILE when the file is no HostFirewall, or has an entry of that name
 */
export const appendAllow = (text: string, entry: AllowEntry): string => {
  const { spec } = parseHostFirewall(text, 'the file')
  if (spec.allow.some(({ name }) => name === entry.name)) {
    throw new FwError('FW_BAD_FILE', `the file has an allow entry "${entry.name}" already`, { fix: 'choose another name with --name' })
  }
  return append(
    text,
    ['spec', 'allow'],
    plainEntry(entry),
    (firewall) => JSON.stringify(firewall.spec.allow) === JSON.stringify([...spec.allow, entry]),
  )
}

/**
 * Adds an inbound failsafe to a HostFirewall file and leaves every other byte as it was. A failsafe that is there already changes nothing.
 * @throws FwError FW_BAD_FILE when the file is no HostFirewall
 */
export const appendFailsafe = (text: string, { protocol, port }: ExtraFailsafe): string => {
  const { inbound } = parseHostFirewall(text, 'the file').spec.extraFailsafePorts
  if (inbound.some((known) => known.protocol === protocol && known.port === port)) return text
  return append(
    text,
    ['spec', 'extraFailsafePorts', 'inbound'],
    { protocol, port },
    (firewall) => firewall.spec.extraFailsafePorts.inbound.length === inbound.length + 1,
  )
}

/** Inserts text where that gives what was meant; otherwise lets the yaml library write the document anew, which keeps comments but not their columns. */
const append = (text: string, path: readonly string[], value: unknown, isMeant: (firewall: HostFirewall) => boolean): string => {
  const inserted = insert(text, path, value)
  if (inserted !== undefined && reads(inserted, isMeant)) return inserted
  const document = parseDocument(text)
  if (isSeq(document.getIn(path))) document.addIn(path, document.createNode(value))
  else document.setIn(path, document.createNode([value]))
  const written = document.toString({ lineWidth: 0, indentSeq: false, flowCollectionPadding: false })
  if (!reads(written, isMeant)) throw new Error(`editing ${path.join('.')} did not give what was meant`)
  return written
}

const reads = (text: string, isMeant: (firewall: HostFirewall) => boolean): boolean => {
  try {
    return isMeant(parseHostFirewall(text, 'the edited file'))
  } catch (error) {
    if (error instanceof FwError) return false
    throw error
  }
}

const insert = (text: string, path: readonly string[], value: unknown): string | undefined => {
  const list = parseDocument(text).getIn(path)
  if (!isSeq(list) || list.range === undefined || list.range === null) return undefined
  const [start, end] = list.range
  if (text[end - 1] === ']') return `${text.slice(0, end - 1).trimEnd()}${list.items.length === 0 ? '' : ', '}${flow(value)}]${text.slice(end)}`
  const column = start - (text.lastIndexOf('\n', start - 1) + 1)
  const at = endOfLine(text, lastValueEnd(list))
  const body = isMap(list.items.at(-1)) && (list.items.at(-1) as { flow?: boolean }).flow === true ? flow(value) : block(value, column + 2)
  const line = `${' '.repeat(column)}- ${body}\n`
  return text[at - 1] === '\n' ? `${text.slice(0, at)}${line}${text.slice(at)}` : `${text}\n${line}`
}

/** Where the last written character of a list stands: trailing comments and blank lines belong to whatever follows. */
const lastValueEnd = (list: YAMLSeq): number => {
  const last = list.items.at(-1)
  const range = typeof last === 'object' && last !== null && 'range' in last ? last.range : undefined
  return Array.isArray(range) && typeof range[1] === 'number' ? range[1] : 0
}

const endOfLine = (text: string, end: number): number => {
  const last = text.slice(0, end).trimEnd().length
  const newline = text.indexOf('\n', last)
  return newline < 0 ? text.length : newline + 1
}

const flow = (value: unknown): string =>
  stringify(value, { compat: 'yaml-1.1', lineWidth: 0, collectionStyle: 'flow', flowCollectionPadding: false }).trim()

const block = (value: unknown, indent: number): string =>
  stringify(value, { compat: 'yaml-1.1', lineWidth: 0 })
    .trim()
    .replaceAll('\n', `\n${' '.repeat(indent)}`)
