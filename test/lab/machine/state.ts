import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A process the lab started. The start time (clock ticks since boot) tells it from a later process with the same pid. */
export interface RecordedProcess {
  readonly name: string
  readonly pid: number
  readonly start: number
}

/** What the lab made on this machine, in the order it made it. Only what is listed here is ever stopped or deleted. */
interface Journal {
  readonly namespaces: readonly string[]
  readonly processes: readonly RecordedProcess[]
}

type Entry = { readonly namespace: string } | { readonly process: RecordedProcess }

/** The lab's folder: everything it keeps is below it, and it is gone after `down`. */
export interface StateDir {
  readonly path: string
  /** A path below the folder, whose parent exists. */
  at(...parts: string[]): string
  recordNamespace(name: string): void
  recordProcess(process: RecordedProcess): void
  journal(): Journal
}

/** `$LAB_DIR`, or `calico-fw-lab` in the system's folder for temporary files. */
export const defaultDir = (env: Readonly<Record<string, string | undefined>>): string => env['LAB_DIR'] || join(tmpdir(), 'calico-fw-lab')

/** The state folder at a path, there or not. */
export const stateDir = (path: string): StateDir => {
  const journalFile = join(path, 'journal.jsonl')
  const append = (entry: Entry) => appendFileSync(journalFile, `${JSON.stringify(entry)}\n`)
  return {
    path,
    at: (...parts) => {
      const file = join(path, ...parts)
      mkdirSync(join(file, '..'), { recursive: true })
      return file
    },
    recordNamespace: (namespace) => append({ namespace }),
    recordProcess: (process) => append({ process }),
    journal: () => readJournal(journalFile),
  }
}

/** Makes the folder; a lab that is already there must go down first. */
export const createStateDir = (state: StateDir): void => {
  if (existsSync(state.path)) throw new Error(`a lab is already there (${state.path}): run "npm run lab -- down" first`)
  mkdirSync(state.path, { recursive: true, mode: 0o755 })
  writeFileSync(join(state.path, 'journal.jsonl'), '')
}

/** Removes the folder and all in it. */
export const removeStateDir = (state: StateDir): void => rmSync(state.path, { recursive: true, force: true })

const readJournal = (file: string): Journal => {
  if (!existsSync(file)) return { namespaces: [], processes: [] }
  const entries = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry)
  return {
    namespaces: entries.flatMap((entry) => ('namespace' in entry ? [entry.namespace] : [])),
    processes: entries.flatMap((entry) => ('process' in entry ? [entry.process] : [])),
  }
}
