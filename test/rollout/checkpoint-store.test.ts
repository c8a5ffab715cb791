import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { KubeObject, ObjectRef } from '../../src/calico/object.ts'
import type { Api } from '../../src/cluster/api.ts'
import { FwError } from '../../src/errors.ts'
import { type Checkpoint, checkpointVersion } from '../../src/rollout/checkpoint.ts'
import { deleteCheckpoints, markEnd, readCheckpoints, writeCheckpoint } from '../../src/rollout/perform/checkpoint-store.ts'

/** ConfigMaps in memory; `dieAfter` writes every call hangs for good, as of a dead client. */
const memory = (dieAfter = Number.POSITIVE_INFINITY, maps = new Map<string, KubeObject>()) => {
  let writes = 0
  const dead = new Error('dead')
  const write = <T>(work: () => T): Promise<T> => {
    if (++writes > dieAfter) return Promise.reject(dead)
    return Promise.resolve().then(work)
  }
  const api = {
    create: (object: KubeObject) =>
      write(() => {
        if (maps.has(object.metadata.name)) throw new FwError('FW_CONFLICT', 'it exists already')
        maps.set(object.metadata.name, object)
        return object
      }),
    get: async ({ name }: ObjectRef) => maps.get(name),
    list: async () => [...maps.values()],
    delete: ({ name }: ObjectRef) => write(() => maps.delete(name)),
    mergePatch: ({ name }: ObjectRef, patch: { metadata: { annotations: Record<string, string> } }) =>
      write(() => {
        const map = maps.get(name)
        if (map === undefined) throw new FwError('FW_NOT_FOUND', name)
        maps.set(name, { ...map, metadata: { ...map.metadata, ...patch.metadata } })
        return map
      }),
  }
  return { api: api as unknown as Api, maps, writes: () => writes }
}

const checkpointOf = (number: string, payload = ''): Checkpoint => ({
  ...{ apiVersion: checkpointVersion, kind: 'Checkpoint', number, title: 'before', at: '2026-01-02T03:04:05Z', by: 'a@b/1', command: 'init' },
  images: [{ ref: { apiVersion: 'v1', kind: 'ConfigMap', name: payload }, before: null }],
})
/** Too random to be packed into one ConfigMap. */
const big = (number: string): Checkpoint => checkpointOf(number, randomBytes(600_000).toString('base64'))
const numbersIn = async (api: Api) => (await readCheckpoints(api)).checkpoints.map(({ number }) => number)
const noGuard = () => Promise.resolve()

describe('checkpoints in the cluster', () => {
  it('come back as they were, in parts where they are large, with how their change ended', async () => {
    const { api, maps } = memory()
    const [small, large] = [checkpointOf('1.2'), big('1.1')]
    await writeCheckpoint(api, small)
    await writeCheckpoint(api, large)
    expect(maps.size).toBeGreaterThan(2)
    await markEnd(api, 1, { outcome: 'done', at: '2026-01-02T03:04:06Z', green: 7 })
    const { checkpoints, damaged } = await readCheckpoints(api)
    expect(checkpoints).toEqual([{ ...large, end: { outcome: 'done', at: '2026-01-02T03:04:06Z', green: 7 } }, small])
    expect(damaged).toEqual([])
  })

  it('fit into ConfigMaps of 1 MiB, however much is told of the change', async () => {
    const { api, maps } = memory()
    // Nothing of it can be packed.
    const noise = () => randomBytes(24).toString('hex')
    const probes = Array.from({ length: 20_000 }, () => ({ id: noise(), title: noise(), expect: 'open', before: 'ok' }) as const)
    const told = { ...checkpointOf('1.1'), evidence: { versions: {}, plan: { objects: probes.map(({ id }) => id) }, proof: {}, probes } }
    await writeCheckpoint(api, told)
    expect((await readCheckpoints(api)).checkpoints).toEqual([told])
    const sizes = [...maps.values()].map((map) => Object.values((map as unknown as { data: Record<string, string> }).data).join('').length)
    expect(Math.max(...sizes)).toBeLessThan(510_000)
  })

  it('are whole or not there, wherever their writer dies, and the next one with the number is not in its way', async () => {
    const whole = memory()
    await writeCheckpoint(whole.api, big('1.1'))
    for (let point = 0; point < whole.writes(); point++) {
      const { api, maps } = memory(point)
      await expect(writeCheckpoint(api, big('1.1'))).rejects.toThrow('dead')
      expect(await readCheckpoints(api)).toEqual({ checkpoints: [], damaged: [] })
      const next = memory(undefined, maps)
      const again = big('1.1')
      await writeCheckpoint(next.api, again)
      expect((await readCheckpoints(next.api)).checkpoints).toEqual([again])
    }
  })

  it('are whole or gone, wherever the one who prunes dies, and the next pruning takes what is left', async () => {
    const first = memory()
    await writeCheckpoint(first.api, big('2.1'))
    const parts = first.maps.size
    for (let point = 0; point < parts; point++) {
      const { maps } = memory(undefined, new Map(first.maps))
      await writeCheckpoint(memory(undefined, maps).api, checkpointOf('3.1'))
      const dying = memory(point, maps)
      await expect(deleteCheckpoints(dying.api, ['2.1'], noGuard)).rejects.toThrow('dead')
      expect(await readCheckpoints(dying.api)).toMatchObject({ damaged: [] })
      expect(await numbersIn(dying.api)).toEqual(point === 0 ? ['2.1', '3.1'] : ['3.1'])
      await deleteCheckpoints(memory(undefined, maps).api, point === 0 ? ['2.1'] : [], noGuard)
      expect([...maps.keys()]).toEqual(['checkpoint-3.1'])
    }
  })

  const sha = (text: string) => createHash('sha256').update(text).digest('hex')
  const header = { apiVersion: checkpointVersion, number: '1.1', parts: 1 }
  const mapOf = (head: unknown, images: unknown): KubeObject => ({
    ...{ apiVersion: 'v1', kind: 'ConfigMap' },
    metadata: { name: 'checkpoint-1.1', labels: { 'calico-fw.github.io/change': '1', 'calico-fw.github.io/chunk': '0' } },
    data: { header: typeof head === 'string' ? head : JSON.stringify(head), images },
  })
  it.each<[string, unknown, unknown, RegExp]>([
    [
      'a newer version',
      { apiVersion: 'calico-fw.github.io/v2', much: 'else' },
      'x',
      /newer version.*\bcalico-fw\.github\.io\/v2.*use the version that wrote it/,
    ],
    ['no header', '', 'x', /is damaged.*not what this tool writes/],
    ['a header that is a list', [], 'x', /is damaged/],
    ['a part that is missing', { ...header, parts: 2, sha256: '' }, 'x', /damaged.*a part of it is missing/],
    ['a billion parts', { ...header, parts: 1e9, sha256: '' }, 'x', /is damaged/],
    ['another checksum', { ...header, sha256: sha('y') }, 'x', /damaged.*checksum/],
    ['no gzip', { ...header, sha256: sha('xxxx') }, 'xxxx', /is damaged/],
    ['images that are no text', { ...header, sha256: sha('x') }, { a: 1 }, /a part of it is missing/],
    ['ten megabytes of nothing', 'x'.repeat(10 << 20), 'x', /is damaged/],
  ])('%s is named, and the others are read', async (_, head, images, says) => {
    const { api, maps } = memory()
    maps.set('checkpoint-1.1', mapOf(head, images))
    await writeCheckpoint(api, checkpointOf('2.1'))
    const { checkpoints, damaged } = await readCheckpoints(api)
    expect(checkpoints.map(({ number }) => number)).toEqual(['2.1'])
    expect(damaged.map(({ error: { code, message, why, fix } }) => `${code} ${message} ${why} ${fix}`)).toEqual([expect.stringMatching(says)])
  })
})
