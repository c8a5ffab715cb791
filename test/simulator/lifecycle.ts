import assert from 'node:assert/strict'
import type { Step } from './dialogue.ts'
import { type Partner, speaker } from './dialogue-partner.ts'

/** What controllers make of some calls: paths that go, and paths that are still there when those have gone. */
export interface Life {
  readonly name: string
  readonly calls: readonly Step[]
  readonly goes: readonly string[]
  readonly stays: readonly string[]
  /** Seconds after the last call before which nothing goes, and by which all has gone; default 0 and 10. */
  readonly between?: readonly [number, number]
}

const space = '/api/v1/namespaces/life'
const maps = `${space}/configmaps`
const jobs = '/apis/batch/v1/namespaces/life/jobs'
const sets = '/apis/projectcalico.org/v3/namespaces/life/networksets'

const post = (name: string, path: string, body: object): Step => ({ name, method: 'POST', path, body })
const map = (name: string, ...owners: readonly object[]) =>
  post(name, maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...(owners.length === 0 ? {} : { ownerReferences: owners }) } })
const ownedBy = (kind: 'ConfigMap' | 'Job', name: string, uid = `{uid:${name}}`) => ({
  apiVersion: kind === 'Job' ? 'batch/v1' : 'v1',
  ...{ kind, name, uid },
})
const set = (name: string, job: string) =>
  post(name, sets, {
    apiVersion: 'projectcalico.org/v3',
    kind: 'NetworkSet',
    metadata: { name, ownerReferences: [ownedBy('Job', job)] },
    spec: { nets: ['0.0.0.0/1'] },
  })
const job = (name: string, seconds: number, spec: object = {}) =>
  post(name, jobs, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      ...{ parallelism: 0, activeDeadlineSeconds: seconds, ttlSecondsAfterFinished: 0, backoffLimit: 0, ...spec },
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'none', image: 'none' }] } },
    },
  })
const patch = (path: string, spec: object): Step => ({
  ...{ name: `patch ${path}`, method: 'PATCH', path, body: { spec }, contentType: 'application/merge-patch+json' },
})
const remove = (path: string, propagationPolicy: string): Step => ({
  ...{ name: `delete ${path}`, method: 'DELETE', path, body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy } },
})

/** Everything the gate's chain rests on, and what would break it. */
export const lives: readonly Life[] = [
  {
    name: 'an owner deleted in the background takes its dependents, but for those of a second owner',
    calls: [
      map('one'),
      map('two'),
      map('of-one', ownedBy('ConfigMap', 'one')),
      map('of-both', ownedBy('ConfigMap', 'one'), ownedBy('ConfigMap', 'two')),
      remove(`${maps}/one`, 'Background'),
    ],
    goes: [`${maps}/one`, `${maps}/of-one`],
    stays: [`${maps}/of-both`, `${maps}/two`],
  },
  {
    name: 'an owner deleted as orphan leaves them',
    calls: [map('three'), map('of-three', ownedBy('ConfigMap', 'three')), remove(`${maps}/three`, 'Orphan')],
    goes: [`${maps}/three`],
    stays: [`${maps}/of-three`],
  },
  {
    name: 'a dependent of an owner that was never there is taken',
    calls: [map('of-nobody', ownedBy('ConfigMap', 'nobody', '11111111-2222-3333-4444-555555555555'))],
    goes: [`${maps}/of-nobody`],
    stays: [],
  },
  {
    name: 'a Job without pods fails at its deadline, goes at once, and its set with it',
    calls: [job('gate', 3), set('gate', 'gate')],
    goes: [`${jobs}/gate`, `${sets}/gate`],
    stays: [],
    between: [2, 10],
  },
  {
    name: 'a deadline that is moved in time holds',
    calls: [job('moved', 3), set('moved', 'moved'), patch(`${jobs}/moved`, { activeDeadlineSeconds: 7 })],
    goes: [`${jobs}/moved`, `${sets}/moved`],
    stays: [],
    between: [6, 14],
  },
  {
    name: 'a Job that is suspended has no deadline',
    calls: [job('held', 2, { suspend: true }), set('held', 'held'), job('clock', 4)],
    goes: [`${jobs}/clock`],
    stays: [`${jobs}/held`, `${sets}/held`],
  },
  {
    name: 'a namespace takes all that is in it',
    calls: [job('last', 600), set('last', 'last'), remove(space, 'Background')],
    goes: [space, `${jobs}/last`, `${sets}/last`, `${maps}/of-both`],
    stays: [],
    between: [0, 60],
  },
]

/** Its namespace, before the first. */
export const setting: readonly Step[] = [post('life', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'life' } })]

/** How time passes where the API is. */
export interface LifeClock {
  now(): number
  /** A tenth of a second, at most. */
  wait(): Promise<unknown>
}

/**
 * Lives through it.
 * @throws AssertionError telling what did not go, went too early, or did not stay
 */
export const live = async (partner: Partner, clock: LifeClock, { calls, goes, stays, between: [from, to] = [0, 10] }: Life): Promise<number> => {
  const ask = speaker(partner)
  for (const call of calls) {
    const { code, body } = await ask(call)
    assert.ok(code < 300, `${call.name}: ${code} ${JSON.stringify(body)}`)
  }
  const began = clock.now()
  const seconds = () => (clock.now() - began) / 1000
  const there = async (paths: readonly string[]): Promise<string[]> => {
    const codes = await Promise.all(paths.map(async (path) => (await ask({ name: path, method: 'GET', path })).code))
    return paths.filter((_, index) => codes[index] !== 404)
  }
  let left = await there(goes)
  while (left.length > 0) {
    assert.ok(seconds() <= to, `still there after ${seconds().toFixed(1)} s: ${left.join(', ')}`)
    await clock.wait()
    left = await there(goes)
  }
  assert.ok(seconds() >= from, `gone after ${seconds().toFixed(1)} s already, not ${from}`)
  assert.deepEqual(await there(stays), stays)
  return seconds()
}
