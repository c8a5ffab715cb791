import { mkdir, open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Only the owner: before-images tell how a cluster is guarded. */
const fileMode = 0o600
const folderMode = 0o700

/** Makes a folder and its missing parents, each readable by its owner alone. @throws the errno error of the file system */
const makeFolder = async (path: string): Promise<void> => {
  await mkdir(path, { recursive: true, mode: folderMode })
}

/**
 * Replaces a file in one step that survives a power cut: written beside it, synced, renamed over it, folder synced.
 * A reader sees the old file or the new one, never half of one.
 * @throws the errno error of the file system
 */
export const writeDurably = async (path: string, text: string): Promise<void> => {
  await makeFolder(dirname(path))
  const draft = join(dirname(path), '.draft')
  const file = await open(draft, 'w', fileMode)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  await syncFolder(dirname(path))
}

/**
 * Appends one line and syncs it. Where a crash left the last line torn, the new one still starts on a line of its own.
 * @throws the errno error of the file system
 */
export const appendLine = async (path: string, line: string): Promise<void> => {
  await makeFolder(dirname(path))
  const file = await open(path, 'a+', fileMode)
  try {
    const { size } = await file.stat()
    const last = Buffer.alloc(1)
    if (size > 0) await file.read(last, 0, 1, size - 1)
    const torn = size > 0 && last.toString() !== '\n'
    await file.appendFile(`${torn ? '\n' : ''}${line}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A rename is on disk only once its folder is. Windows cannot open folders and needs no such sync. */
const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r').catch((error: unknown) => {
    if (isErrno(error) && (error.code === 'EISDIR' || error.code === 'EPERM')) return undefined
    throw error
  })
  if (folder === undefined) return
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Whether something thrown comes from the file system. */
export const isErrno = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string'
