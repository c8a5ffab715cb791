import { type ParseOptions, parseAllDocuments, type ToJSOptions } from 'yaml'

/** No file of hand-written YAML comes near this; the YAML reader takes minutes and gigabytes over ten times as much garbage. */
const sizeLimit = 1024 * 1024

/** What a YAML reader is told besides. */
type Options = ParseOptions & ToJSOptions & { readonly merge?: boolean; readonly uniqueKeys?: boolean }

/**
 * Every document of a YAML text, as plain values; a text that is one JSON value may be of any size. Aliases that multiply, nesting without end and tags of other
 * languages' objects do nothing but fail.
 * @throws Error in one short sentence
 */
export const readYaml = (text: string, options: Options = {}): unknown[] => {
  if (/^\s*[[{]/.test(text)) {
    const value = fromJson(text)
    if (value !== undefined) return [value]
  }
  if (text.length > sizeLimit) throw new Error(`it is larger than ${sizeLimit / 1024} KiB; give it as JSON if it has to be`)
  try {
    return [...parseAllDocuments(text, { ...options, prettyErrors: false })].map((document) => {
      const [problem] = document.errors
      if (problem !== undefined) throw problem
      return document.toJS() as unknown
    })
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
    throw new Error(message.includes('call stack') ? 'it is nested too deeply' : `it is not valid YAML: ${message}`, { cause: error })
  }
}

const fromJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
