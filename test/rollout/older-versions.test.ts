import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { type KubeObject, refOf } from '../../src/calico/object.ts'
import { chainOf } from '../../src/rollout/chain.ts'
import { applicable } from '../../src/rollout/checkpoint.ts'
import { version } from '../../src/version.ts'
import { rollBack, situationOn, standing } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

const folder = new URL('../fixtures/checkpoints/', import.meta.url)
const versions = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))

let stage: Stage
afterEach(() => stage?.close())

/** The cluster as a version left it: an `init`, and an `add-vip` after it. */
const leftBy = async (left: string) => {
  stage = await setStage()
  const before = { table: stage.table(), standing: standing(stage) }
  const objects = JSON.parse(readFileSync(new URL(`${left}/cluster.json`, folder), 'utf8')) as KubeObject[]
  for (const object of objects) {
    const { kind } = object
    if (kind === 'FelixConfiguration') await stage.clock.drive(stage.api.mergePatch(refOf(object), { spec: object['spec'] }))
    else if (object['immutable'] === true || kind === 'Namespace') await stage.clock.drive(stage.api.create(applicable(object)))
    else await stage.clock.drive(stage.api.apply(applicable(object)))
  }
  await stage.clock.advance(15_000)
  return before
}

it('this version is kept, too', () => expect(versions).toContain(version))

describe.each(versions)('what version %s left', (left) => {
  it('is told, and gone back from to before it came', async () => {
    const before = await leftBy(left)
    expect(stage.table()).not.toEqual(before.table)
    const { changes, damaged, committed, checkpoints } = await situationOn(stage)
    expect(chainOf(checkpoints).breaks).toEqual([])
    expect([changes.map(({ number, inForce }) => [number, inForce]), damaged, committed]).toEqual([
      [
        [1, true],
        [2, true],
      ],
      [],
      [1],
    ])
    const { outcome } = await rollBack(stage, 0)
    expect(outcome).toEqual({ kind: 'done' })
    await stage.clock.advance(2_000)
    expect({ table: stage.table(), standing: standing(stage) }).toEqual(before)
  })

  it('is gone back from by one change', async () => {
    await leftBy(left)
    const opened = stage.table()
    expect(opened['win -> ws1:31110']).toBe('OPEN')
    expect(await rollBack(stage, 1)).toMatchObject({ outcome: { kind: 'done' }, way: 'closes' })
    await stage.clock.advance(2_000)
    expect(stage.table()).toEqual({ ...opened, 'win -> ws1:31110': 'TIMEOUT' })
  })
})
