import { Scalar, stringify } from 'yaml'
import { escaped, safeText, unseen } from '../ui/safe-text.ts'
import type { Context, OutputFormat, Printer } from './context.ts'

/** The version of every document on stdout. */
export const documentVersion = 'calico-fw.github.io/v1alpha1'

/** A printer over the process's streams. */
export const createPrinter = ({ stdout, stderr }: Pick<Context, 'stdout' | 'stderr'>, format: OutputFormat): Printer => ({
  format,
  data: (text) => {
    if (format === 'text') stdout.write(`${safeText(text)}\n`)
  },
  talk: (text) => {
    stderr.write(`${safeText(text)}\n`)
  },
  document: (kind, fields) => {
    if (format !== 'text') stdout.write(serialised({ apiVersion: documentVersion, kind, ...fields }, format))
  },
})

/** One document as JSON or as YAML that YAML 1.1 readers read alike. */
export const serialised = (document: unknown, format: 'json' | 'yaml'): string =>
  format === 'json'
    ? `${JSON.stringify(document, null, 2).replace(unseen, escaped)}\n`
    : stringify(document, quoted, { compat: 'yaml-1.1', lineWidth: 0, aliasDuplicateObjects: false }).replace(unseen, escaped)

/** What is escaped stands between double quotes, where alone YAML reads an escape. */
const quoted = (_: unknown, value: unknown): unknown => {
  if (typeof value !== 'string' || value.search(unseen) < 0) return value
  const scalar = new Scalar(value)
  scalar.type = Scalar.QUOTE_DOUBLE
  return scalar
}
