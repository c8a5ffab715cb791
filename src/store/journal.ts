import { readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { FwError } from '../errors.ts'
import { compareNumbers } from '../rollout/checkpoint.ts'
import { appendLine, isErrno, writeDurably } from './durable-file.ts'

/** One checkpoint as the disk has it. */
interface StoredCheckpoint {
  /** `3` or `3.2`: the change, and the step in it. */
  readonly number: string
  readonly document: unknown
}

/** What was read, and what could not be: each problem names its file and never stops the rest. */
interface Stored<Entry> {
  readonly entries: readonly Entry[]
  readonly problems: readonly FwError[]
}

/**
 * Checkpoints and history on the operator's disk, a second copy beside the cluster's own.
 * A write answers with the FW_STATE error that hindered it instead of throwing: a full disk must not stop a rollout half-way.
 */
export interface Journal {
  saveCheckpoint(clusterUid: string, number: string, document: unknown): Promise<FwError | undefined>
  /** In rising order of their numbers. */
  readCheckpoints(clusterUid: string): Promise<Stored<StoredCheckpoint>>
  appendHistory(clusterUid: string, entry: unknown): Promise<FwError | undefined>
  /** Oldest first. */
  readHistory(clusterUid: string): Promise<Stored<unknown>>
}

const numberPattern = /^\d+(?:\.\d+)*$/
const uidPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const noHome = 'neither XDG_STATE_HOME nor HOME names a folder'

/** A journal in `directory` (see stateDirectory); without one every write answers with a problem and every read is empty. */
export const createJournal = ({ directory }: { readonly directory: string | undefined }): Journal => {
  /** The cluster's uid comes from the cluster: it must not walk out of our folder. */
  const home = (clusterUid: string): string => {
    if (directory === undefined) throw problem('this machine keeps no copy of checkpoints and history', noHome)
    if (!uidPattern.test(clusterUid)) throw problem(`"${clusterUid}" is not the uid of a cluster`, 'it cannot name a folder')
    return join(directory, 'clusters', clusterUid)
  }

  return {
    saveCheckpoint: (clusterUid, number, document) =>
      asProblem(`checkpoint ${number} is not saved on this machine`, async () => {
        if (!numberPattern.test(number)) throw problem(`"${number}" is not the number of a checkpoint`)
        const path = join(home(clusterUid), 'checkpoints', `${number}.json`)
        const text = `${JSON.stringify(document, null, 2)}\n`
        if (await setAside(path, text)) await writeDurably(path, text)
      }),

    readCheckpoints: (clusterUid) =>
      readAll(async (problems) => {
        const folder = join(home(clusterUid), 'checkpoints')
        const names = (await orMissing(readdir(folder))) ?? []
        const numbers = names.flatMap((name) => (name.endsWith('.json') && numberPattern.test(name.slice(0, -5)) ? [name.slice(0, -5)] : []))
        const entries: StoredCheckpoint[] = []
        for (const number of numbers.sort(compareNumbers)) {
          const path = join(folder, `${number}.json`)
          const text = await readFile(path, 'utf8').catch((error: unknown) => void problems.push(unreadable(path, error)))
          const document = text === undefined ? undefined : parseJson(text, path, problems)
          if (document !== undefined) entries.push({ number, document })
        }
        return entries
      }),

    appendHistory: (clusterUid, entry) =>
      asProblem('the history on this machine lacks this entry', () => appendLine(join(home(clusterUid), 'history.jsonl'), JSON.stringify(entry))),

    readHistory: (clusterUid) =>
      readAll(async (problems) => {
        const path = join(home(clusterUid), 'history.jsonl')
        const text = (await orMissing(readFile(path, 'utf8'))) ?? ''
        return text.split('\n').flatMap((line, index) => {
          const entry = line === '' ? undefined : parseJson(line, `${path} line ${index + 1}`, problems)
          return entry === undefined ? [] : [entry]
        })
      }),
  }
}

/**
 * Checkpoints are immutable. One of the same number with other content belongs to an earlier life of the tool in this cluster
 * (`rollback --to 0` leaves no trace there, so numbers start anew): it is kept under another name. False when the same is there already.
 */
const setAside = async (path: string, text: string): Promise<boolean> => {
  const old = await orMissing(readFile(path, 'utf8'))
  if (old === text) return false
  if (old === undefined) return true
  for (let life = 1; ; life++) {
    const aside = `${path}.${life}`
    if ((await orMissing(readFile(aside))) !== undefined) continue
    await rename(path, aside)
    return true
  }
}

const asProblem = async (what: string, work: () => Promise<void>): Promise<FwError | undefined> => {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof FwError) return error
    if (isErrno(error)) return problem(what, error.message, error)
    throw error
  }
}

const readAll = async <Entry>(read: (problems: FwError[]) => Promise<Entry[]>): Promise<Stored<Entry>> => {
  const problems: FwError[] = []
  try {
    const entries = await read(problems)
    return { entries, problems }
  } catch (error) {
    if (error instanceof FwError) return { entries: [], problems: [error] }
    if (isErrno(error)) return { entries: [], problems: [unreadable(error.path ?? 'the state folder', error)] }
    throw error
  }
}

const orMissing = async <Value>(reading: Promise<Value>): Promise<Value | undefined> => {
  try {
    return await reading
  } catch (error) {
    if (isErrno(error) && error.code === 'ENOENT') return undefined
    throw error
  }
}

const parseJson = (text: string, where: string, problems: FwError[]): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    problems.push(
      problem(`${where} is damaged and is left out`, 'it is not JSON', cause, 'the copy in the cluster counts; look at the file, then delete it'),
    )
    return undefined
  }
}

const unreadable = (path: string, error: unknown): FwError =>
  problem(`${path} cannot be read and is left out`, error instanceof Error ? error.message : String(error), error)

const problem = (what: string, why?: string, cause?: unknown, fix = 'make the folder writable, or set XDG_STATE_HOME to one that is'): FwError =>
  new FwError('FW_STATE', what, { fix, ...(why === undefined ? {} : { why }), ...(cause === undefined ? {} : { cause }) })
