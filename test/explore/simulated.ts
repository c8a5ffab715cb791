import { keys } from '../../src/calico/names.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import { refOf } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import { FwError } from '../../src/errors.ts'
import type { Facts, Flavour } from '../../src/firewall/facts/facts.ts'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'
import { chooseRollback } from '../../src/rollout/choose-rollback.ts'
import { differingImages } from '../../src/rollout/perform/restore.ts'
import { imagesBackTo } from '../../src/rollout/rollback-steps.ts'
import { type Run, startRun } from '../../src/rollout/runner.ts'
import { nextChange, readSituation } from '../../src/rollout/situation.ts'
import type { Outcome } from '../../src/rollout/state.ts'
import { standingOf } from '../../src/ui/status-text.ts'
import { mortal } from '../rollout/mortal-api.ts'
import { felixConfiguration, rollBack, situationOn } from '../rollout/operator.ts'
import { type Stage, setStage } from '../rollout/stage.ts'
import type { Measure, Mishap, Schedule } from './simulated-faults.ts'

const windowSeconds = 30
/** Longer than any run and any outage together: a run that has not ended by then never will. */
const longestMs = 1_500_000

/** How one history ended: what it broke, if anything, and in words what it came to. */
export interface Ended {
  readonly broken: string | undefined
  readonly end: string
}

/** An undisturbed run: how long it takes, what it writes, and what the outside sees of it. */
export interface Whole extends Measure {
  readonly table: Record<string, string>
}

/** Runs `init` with nobody in its way. */
export const undisturbed = async (flavour: Flavour, tls = false): Promise<Whole> => {
  const stage = await setStage({ flavour, tls })
  try {
    const plan = await stage.plan(windowSeconds)
    const api = mortal(stage.api, Number.POSITIVE_INFINITY)
    const began = stage.clock.now()
    const outcome = await stage.clock.drive((await stage.init({ plan, ports: { api } })).ended)
    if (outcome.kind !== 'done') throw new Error(`an undisturbed run is ${outcome.kind}`)
    return { ms: stage.clock.now() - began, writes: api.writes().length, table: stage.table() }
  } finally {
    await stage.close()
  }
}

/** Plays one history with the real runner, over TLS if told, waits as long as is promised, and looks; then rolls back and looks again. */
export const playSimulated = async ({ flavour, answer, mishaps }: Schedule, whole: Whole, tls = false): Promise<Ended> => {
  const stage = await setStage({ flavour, tls })
  try {
    const before = { table: stage.table(), felix: JSON.stringify(felixConfiguration(stage)) }
    const plan = await stage.plan(windowSeconds)
    const crash = mishaps.find((one) => one.kind === 'crash')
    const api = mortal(stage.api, crash?.write ?? Number.POSITIVE_INFINITY)
    const facts = await stage.facts()
    const run = await stage.init({ plan, ports: { api, ask: async () => answer } })
    const others = mishaps.map((mishap) => happen(stage, run, mishap, () => secondOperator(stage, facts, plan)))
    const ended = await endOf(stage, run, () => api.dead())
    await within(stage, Promise.all(others), longestMs)
    heal(stage)
    await stage.clock.advance(windowSeconds * 1000 + 5_000)
    const end = ended === undefined ? 'died' : ended === 'never' ? 'never ended' : ended.kind
    const broken =
      (ended === 'never' ? 'the run never ends' : undefined) ??
      (await notOpenNorKept(stage, before.table, whole, plan, mishaps)) ??
      (await notCleaned(stage, before, mishaps))
    return { broken, end }
  } finally {
    await stage.close()
  }
}

const isDone = async (stage: Stage, work: Promise<unknown>): Promise<() => boolean> => {
  let done = false
  const end = (): void => {
    done = true
  }
  work.then(end, end)
  await stage.clock.advance(0)
  return () => done
}

/** Lets time pass until it is done; false when it is not by then. */
const within = async (stage: Stage, work: Promise<unknown>, ms: number, orElse: () => boolean = () => false): Promise<boolean> => {
  const done = await isDone(stage, work)
  for (const until = stage.clock.now() + ms; stage.clock.now() < until && !done() && !orElse(); ) await stage.clock.advance(500)
  return done() || orElse()
}

/** The outcome; undefined where the client died. */
const endOf = async (stage: Stage, run: Run, dead: () => boolean): Promise<Outcome | undefined | 'never'> => {
  let outcome: Outcome | undefined
  void run.ended.then((one) => {
    outcome = one
  })
  const ends = await within(stage, run.ended, longestMs, dead)
  return ends ? outcome : 'never'
}

const heal = ({ sim }: Stage): void => {
  sim.faults.clear()
  sim.controllerManager.thaw()
  sim.apiServer.thaw()
  sim.network.plug()
  sim.aggregated.thaw()
}

/** Lets a mishap come in its time; resolves when it is over. */
const happen = async (stage: Stage, run: Run, mishap: Mishap, another: () => Promise<void>): Promise<void> => {
  const { clock, sim } = stage
  if (mishap.kind === 'crash') return
  await clock.sleep(mishap.at)
  switch (mishap.kind) {
    case 'call':
      sim.faults.add({ method: mishap.method, times: mishap.times, after: mishap.after, harm: mishap.harm })
      return
    case 'away':
      gone(stage, mishap.what).go()
      await clock.sleep(mishap.ms)
      gone(stage, mishap.what).comeBack()
      return
    case 'reset':
      sim.network.reset()
      return
    case 'interrupt':
      run.interrupt(mishap.choice)
      return
    case 'foreign hand':
      meddle(stage, mishap)
      return
    case 'second operator':
      // Without an answer from the API that operator's command has ended with an error, and nothing was written.
      await another().catch((error: unknown) => {
        if (!(error instanceof FwError)) throw error
      })
  }
}

const gone = ({ sim }: Stage, what: Extract<Mishap, { kind: 'away' }>['what']): { go(): void; comeBack(): void } => {
  if (what === 'controllers') return { go: sim.controllerManager.freeze, comeBack: sim.controllerManager.thaw }
  if (what === 'API server') return { go: sim.apiServer.freeze, comeBack: sim.apiServer.thaw }
  if (what === 'network') return { go: sim.network.unplug, comeBack: sim.network.plug }
  return { go: sim.aggregated.freeze, comeBack: sim.aggregated.thaw }
}

/** Objects of ours that somebody else may lay hands on: what nodes reach each other by is not among them, for no tool survives its loss. */
const exposed = ({ sim }: Stage): KubeObject[] =>
  [...sim.objects.list(v3, 'HostEndpoint'), ...sim.objects.list(v3, 'NetworkSet'), ...sim.objects.list('batch/v1', 'Job')].filter(
    ({ metadata }) => metadata.labels?.['app.kubernetes.io/managed-by'] === 'calico-fw',
  )

const meddle = (stage: Stage, { pick, does }: Extract<Mishap, { kind: 'foreign hand' }>): void => {
  const some = exposed(stage)
  const one = some[pick % Math.max(1, some.length)]
  if (one === undefined) return
  if (does === 'deletes') stage.sim.objects.delete(refOf(one))
  else
    stage.sim.objects.update(refOf(one), (live) => ({
      ...live,
      metadata: { ...live.metadata, annotations: { ...live.metadata.annotations, 'example.org/owner': 'somebody' } },
    }))
}

/** Another operator who wants the way back: refused while the first lives, and takes over a dead one. */
const secondOperator = async (stage: Stage, facts: Facts, plan: Plan): Promise<void> => {
  const now = await readSituation(stage.api, facts.calico.flavour)
  const images = imagesBackTo(now.checkpoints, 0)
  if (images.length === 0) return
  const differing = await differingImages(stage.api, images)
  const change = nextChange(now)
  const standing = { ...now, differing, policies: facts.policies, flavour: facts.calico.flavour, closedNodes: [] }
  const { steps, config } = chooseRollback({ change, to: 0, images, config: { ...stage.config(plan), change } }, standing)
  const undoes = now.changes.map(({ number }) => number)
  await startRun(steps, config, { facts, probes: [], undoes }, stage.ports()).ended
}

/** The last word was written, and nobody opened since: neither by the open set nor by taking every HostEndpoint away. */
const isKept = ({ sim }: Stage, plan: Plan): boolean =>
  sim.objects.get(refOf(denyPolicy([1]))) !== undefined &&
  sim.objects.get(refOf(plan.openSet)) === undefined &&
  sim.objects.list(v3, 'HostEndpoint').some(({ metadata }) => metadata.labels?.[keys.run] !== undefined)

const differs = (one: Record<string, string>, other: Record<string, string>): string[] =>
  Object.keys(one).flatMap((row) => (one[row] === other[row] ? [] : [`${row}: ${one[row]} instead of ${other[row]}`]))

/** Open to the letter, or kept to the letter; and status says which. */
const notOpenNorKept = async (
  stage: Stage,
  open: Record<string, string>,
  whole: Whole,
  plan: Plan,
  mishaps: readonly Mishap[],
): Promise<string | undefined> => {
  const kept = isKept(stage, plan)
  const table = stage.table()
  const isTouched = mishaps.some(({ kind }) => kind === 'foreign hand')
  const wrong = differs(table, kept ? whole.table : open)
  if (wrong.length > 0 && !(kept && isTouched))
    return `neither ${kept ? 'kept whole' : 'open'}: ${wrong.slice(0, 3).join('; ')} (${wrong.length} rows)`
  const situation = await situationOn(stage)
  const word = standingOf(situation)
  const expected = kept ? (isTouched ? ['kept', 'none', 'opened'] : ['kept']) : ['none', 'expired', 'opened']
  if (!expected.includes(word)) return `status says ${word}, and it is ${kept ? 'kept' : 'open'}`
  if (word === 'none' && !kept && situation.hostEndpoints.length > 0) return 'status says none, and HostEndpoints are left'
  return undefined
}

const notCleaned = async (
  stage: Stage,
  before: { table: Record<string, string>; felix: string },
  mishaps: readonly Mishap[],
): Promise<string | undefined> => {
  const namespace = () => stage.sim.objects.get({ apiVersion: 'v1', kind: 'Namespace', name: 'calico-fw' })
  if (namespace() === undefined) {
    const left = stage.leftovers()
    return left.length > 0 ? `the namespace is gone and these are left: ${left.join(', ')}` : undefined
  }
  const { outcome } = await rollBack(stage, 0)
  await stage.clock.advance(5_000)
  if (outcome.kind !== 'done')
    return mishaps.some(({ kind }) => kind === 'foreign hand') ? undefined : `rollback ends ${outcome.kind}: ${reasonOf(outcome)}`
  const left = [...stage.leftovers(), ...(namespace() === undefined ? [] : ['Namespace calico-fw'])]
  if (left.length > 0) return `rollback leaves ${left.join(', ')}`
  if (JSON.stringify(felixConfiguration(stage)) !== before.felix) return 'rollback leaves the failsafes changed'
  const wrong = differs(stage.table(), before.table)
  return wrong.length > 0 ? `rollback leaves ${wrong.slice(0, 3).join('; ')}` : undefined
}

const reasonOf = (outcome: Outcome): string =>
  ('reason' in outcome ? `${outcome.reason.text} ${String(outcome.reason.error ?? '')}` : '') +
  ('remaining' in outcome ? JSON.stringify(outcome.remaining.map(({ title, error }) => `${title}: ${String(error)}`)) : '')
