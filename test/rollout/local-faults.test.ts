import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createJournal } from '../../src/store/journal.ts'
import { rollBack } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'calico-fw-test-'))
})
afterEach(async () => {
  await stage.close()
  await rm(root, { recursive: true, force: true })
})

/** The clusters of a state folder. */
const clusters = (state: string) => join(state, 'clusters')

describe('the copy of checkpoints on this machine', () => {
  it.each<[string, (state: string) => Promise<void>, boolean]>([
    ['on a disk that takes nothing', (state) => writeFile(state, 'in the way'), true],
    ['whose folders are files', async (state) => void (await mkdir(state).then(() => writeFile(clusters(state), ''))), true],
    ['that is lost in the middle of the run', async () => undefined, false],
  ])('%s costs nothing but the copy', async (_, damage, isTold) => {
    stage = await setStage()
    const before = stage.table()
    const state = join(root, 'state')
    await damage(state)
    const journal = createJournal({ directory: state })
    // Files take real time, which the cluster's clock does not wait for.
    const saving: Promise<unknown>[] = []
    const lose = async () => void (isTold || (await rm(state, { recursive: true, force: true, maxRetries: 20, retryDelay: 20 })))
    const patient = {
      ...journal,
      saveCheckpoint: async (...args: Parameters<typeof journal.saveCheckpoint>) => {
        const saved = journal.saveCheckpoint(...args).finally(lose)
        saving.push(saved)
        return isTold ? await saved : undefined
      },
    }
    const outcome = await stage.clock.drive((await stage.init({ ports: { journal: patient } })).ended)
    await Promise.all(saving)
    expect(outcome).toEqual({ kind: 'done' })
    const notes = stage.progress.flatMap((event) => (event.kind === 'note' ? [event.text] : []))
    expect(notes.some((text) => /checkpoint 1\.1 is not saved on this machine: the cluster's own copy counts/.test(text))).toBe(isTold)
    expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    await stage.clock.advance(2_000)
    expect(stage.table()).toEqual(before)
    expect(stage.leftovers()).toEqual([])
    expect(await readdir(root)).toEqual(isTold ? ['state'] : [])
  })
})
