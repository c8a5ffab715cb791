import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FwError } from '../../src/errors.ts'
import { createJournal } from '../../src/store/journal.ts'
import { stateDirectory } from '../../src/store/state-directory.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'journal-'))
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

const uid = '5b2c1d3e-0000-4000-8000-000000000001'
const checkpoints = (): string => join(root, 'state', 'clusters', uid, 'checkpoints')
const journalIn = (directory = join(root, 'state')) => createJournal({ directory })
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8)

describe('stateDirectory', () => {
  test.each([
    [{ XDG_STATE_HOME: '/var/state', HOME: '/home/ops' }, '/var/state/kubectl-calico-fw'],
    [{ XDG_STATE_HOME: 'relative/state', HOME: '/home/ops' }, '/home/ops/.local/state/kubectl-calico-fw'],
    [{ XDG_STATE_HOME: '', HOME: '/home/ops' }, '/home/ops/.local/state/kubectl-calico-fw'],
    [{ HOME: '/home/ops' }, '/home/ops/.local/state/kubectl-calico-fw'],
    [{}, undefined],
  ])('%j -> %s', (env, expected) => {
    expect(stateDirectory(env)).toBe(expected)
  })
})

describe('checkpoints', () => {
  test('come back in rising order of their numbers, readable by their owner alone', async () => {
    const journal = journalIn()
    for (const number of ['3.10', '0', '3', '3.2']) expect(await journal.saveCheckpoint(uid, number, { number })).toBeUndefined()
    const { entries, problems } = await journal.readCheckpoints(uid)
    expect(entries.map(({ number }) => number)).toEqual(['0', '3', '3.2', '3.10'])
    expect(entries[3]?.document).toEqual({ number: '3.10' })
    expect(problems).toEqual([])
    expect(await modeOf(join(checkpoints(), '3.10.json'))).toBe('600')
    for (const folder of [checkpoints(), join(root, 'state', 'clusters', uid), join(root, 'state')]) expect(await modeOf(folder)).toBe('700')
    expect(await readdir(checkpoints())).not.toContain('.draft')
  })

  test('a damaged one is left out and named, the others are read', async () => {
    const journal = journalIn()
    await journal.saveCheckpoint(uid, '1', { good: true })
    await journal.saveCheckpoint(uid, '2', { good: true })
    await writeFile(join(checkpoints(), '1.json'), '{"good": tr')
    const { entries, problems } = await journal.readCheckpoints(uid)
    expect(entries.map(({ number }) => number)).toEqual(['2'])
    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      ['FW_STATE', `${join(checkpoints(), '1.json')} is damaged and is left out`],
    ])
  })

  test('a draft that a crash left behind is no checkpoint and does not hinder the next', async () => {
    const journal = journalIn()
    await journal.saveCheckpoint(uid, '1', {})
    await writeFile(join(checkpoints(), '.draft'), '{"half":')
    expect(await journal.saveCheckpoint(uid, '2', { whole: true })).toBeUndefined()
    const { entries, problems } = await journal.readCheckpoints(uid)
    expect(entries).toEqual([
      { number: '1', document: {} },
      { number: '2', document: { whole: true } },
    ])
    expect(problems).toEqual([])
  })

  test('the same number with other content keeps the old file aside', async () => {
    const journal = journalIn()
    for (const life of ['first', 'first', 'second', 'third']) expect(await journal.saveCheckpoint(uid, '0', { life })).toBeUndefined()
    expect((await readdir(checkpoints())).sort()).toEqual(['0.json', '0.json.1', '0.json.2'])
    expect(JSON.parse(await readFile(join(checkpoints(), '0.json.1'), 'utf8'))).toEqual({ life: 'first' })
    expect((await journal.readCheckpoints(uid)).entries).toEqual([{ number: '0', document: { life: 'third' } }])
  })

  test.each(['../../etc', 'a/b', '', '..', '.hidden'])('the uid %j never leaves the folder', async (bad) => {
    const journal = journalIn()
    expect(await journal.saveCheckpoint(bad, '1', {})).toMatchObject({ code: 'FW_STATE' })
    expect((await journal.readCheckpoints(bad)).problems).toMatchObject([{ code: 'FW_STATE' }])
    expect(await readdir(root)).toEqual([])
  })

  test('a number that is none is refused', async () => {
    expect(await journalIn().saveCheckpoint(uid, '../1', {})).toMatchObject({ code: 'FW_STATE' })
  })
})

describe('history', () => {
  test('entries come back in order, and a torn last line costs only itself', async () => {
    const journal = journalIn()
    await journal.appendHistory(uid, { change: 1 })
    const path = join(root, 'state', 'clusters', uid, 'history.jsonl')
    await writeFile(path, '{"change": 2, "st', { flag: 'a' })
    expect(await journal.appendHistory(uid, { change: 3 })).toBeUndefined()
    const { entries, problems } = await journal.readHistory(uid)
    expect(entries).toEqual([{ change: 1 }, { change: 3 }])
    expect(problems.map(({ message }) => message)).toEqual([`${path} line 2 is damaged and is left out`])
    expect(await modeOf(path)).toBe('600')
  })
})

describe('a disk that cannot be used', () => {
  test('nothing saved yet reads as empty, without a problem', async () => {
    const journal = journalIn()
    expect(await journal.readCheckpoints(uid)).toEqual({ entries: [], problems: [] })
    expect(await journal.readHistory(uid)).toEqual({ entries: [], problems: [] })
  })

  test('a file where the folder should be is a problem in the answer, not a crash', async () => {
    await writeFile(join(root, 'state'), 'in the way')
    const journal = journalIn()
    for (const answer of [await journal.saveCheckpoint(uid, '1', {}), await journal.appendHistory(uid, {})]) {
      expect(answer).toBeInstanceOf(FwError)
      expect(answer).toMatchObject({ code: 'FW_STATE', why: expect.stringMatching(/ENOTDIR|EEXIST/) })
    }
    expect((await journal.readCheckpoints(uid)).problems).toMatchObject([{ code: 'FW_STATE' }])
  })

  test('a checkpoint that is a folder is named and the others are read', async () => {
    const journal = journalIn()
    await journal.saveCheckpoint(uid, '1', {})
    await mkdir(join(checkpoints(), '2.json'))
    const { entries, problems } = await journal.readCheckpoints(uid)
    expect(entries).toHaveLength(1)
    expect(problems).toMatchObject([{ message: `${join(checkpoints(), '2.json')} cannot be read and is left out` }])
  })

  test('no home at all', async () => {
    const journal = createJournal({ directory: undefined })
    expect(await journal.saveCheckpoint(uid, '1', {})).toMatchObject({ code: 'FW_STATE' })
    expect((await journal.readHistory(uid)).problems).toMatchObject([{ code: 'FW_STATE' }])
  })
})
