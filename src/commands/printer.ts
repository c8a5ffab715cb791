import { stringify } from 'yaml'
import type { Context, OutputFormat, Printer } from './context.ts'

/** The version of every document on stdout. */
export const documentVersion = 'calico-fw.github.io/v1alpha1'

/** A printer over the process's streams. */
export const createPrinter = ({ stdout, stderr }: Pick<Context, 'stdout' | 'stderr'>, format: OutputFormat): Printer => ({
  format,
  data: (text) => {
    if (format === 'text') stdout.write(`${text}\n`)
  },
  talk: (text) => {
    stderr.write(`${text}\n`)
  },
  document: (kind, fields) => {
    if (format !== 'text') stdout.write(serialised({ apiVersion: documentVersion, kind, ...fields }, format))
  },
})

/** One document as JSON or as YAML that YAML 1.1 readers read alike. */
export const serialised = (document: unknown, format: 'json' | 'yaml'): string =>
  format === 'json'
    ? `${JSON.stringify(document, null, 2)}\n`
    : stringify(document, { compat: 'yaml-1.1', lineWidth: 0, aliasDuplicateObjects: false })
