import { formatRef, refOf } from '../../calico/object.ts'
import { FwError } from '../../errors.ts'
import type { BeforeImage } from '../checkpoint.ts'
import { deadlineOf, type RunConfig, type RunState, type StepResult } from '../state.ts'
import type { Step } from '../steps.ts'
import { rehearse } from './canary.ts'
import { checkpoint } from './checkpoint.ts'
import type { PerformContext } from './context.ts'
import { tellEnd } from './end-of-change.ts'
import { writeFailsafes } from './failsafes.ts'
import { armGate, checkAlive, checkDeadline, disarmGate, findGate, renewGate } from './gate.ts'
import { removeNamespace } from './namespace.ts'
import { dropOpenSet, open, openMark, seeOpen } from './open.ts'
import { preflight } from './preflight.ts'
import { baseline, owe, probe, seeWayToApi } from './probe.ts'
import { seeFelixesWell, seeRealised } from './realised.ts'
import { restore, verify } from './restore.ts'
import { settle } from './settle.ts'
import { seeUnchanged } from './unchanged.ts'
import { removeAdopted, removeObjects, writeObjects } from './write.ts'

const none = undefined
const imagesOf = (images: readonly BeforeImage[]): StepResult => ({ kind: 'images', images })

/** Does one step. Resolves when it is done and seen done; throws what stopped it. */
export const perform = async (context: PerformContext, step: Step, state: RunState): Promise<StepResult | undefined> => {
  const { api, clock } = context.ports
  switch (step.kind) {
    case 'lock':
      // Before the lock: a step that fails holding it would not give it back. Who may not read the set hears of it from the preflight.
      context.memory.openMark = openMark(await api.get(refOf(state.config.openSet)).catch(() => undefined))
      await context.lock.acquire(step.takeOver === true)
      return none
    case 'preflight':
      await preflight(context, step.objects, step.failsafes ?? [])
      return none
    case 'rehearse':
      await rehearsal(context, step, state.config)
      return none
    case 'baseline':
      // A way back is no worse for a Felix that is not well: it opens first.
      if (step.assume !== true && !state.config.isRollback && state.config.opensFirst !== true) await seeFelixesWell(context)
      await baseline(context, step.assume === true)
      if (!state.config.isRollback && state.config.opensFirst !== true) seeWayToApi(context)
      return none
    case 'find-gate':
      // Another client closed these nodes; this one has seen nothing of them.
      owe(context)
      return { kind: 'gate', gate: await findGate(api, clock, step.gate) }
    case 'checkpoint':
      return imagesOf(await checkpoint(context, step))
    case 'write':
      context.memory.since = clock.wall()
      owe(context, step.closes)
      await writeObjects(context, step.objects)
      context.memory.written = step.objects
      // What closes is seen closed by the probes, and beyond that in the nodes' packet filters where they can be looked into.
      if (step.closes.length > 0 && context.ports.realised !== undefined) await seeRealised(context, step.objects)
      return none
    case 'remove':
      owe(context, step.closes)
      if (step.adopted === true) await removeAdopted(context, step.refs)
      else await removeObjects(context, step.refs)
      return none
    case 'failsafes':
      context.memory.since = clock.wall()
      // Every Felix restarts with other lists.
      owe(context)
      await writeFailsafes(context, step.change)
      return none
    case 'settle':
      await settle(context, step.what, step.nodes)
      return none
    case 'probe':
      await probe(context, step.scope)
      return none
    case 'arm':
      await context.lock.guard()
      return { kind: 'gate', gate: await armGate(api, clock, step.gate, state.config.windowSeconds, context.signal) }
    case 'renew':
      await context.lock.guard()
      return { kind: 'gate', gate: await renewGate(api, clock, gateOf(state), state.config.windowSeconds) }
    case 'pulse':
      await probe(context, step.scope)
      await context.lock.guard()
      return { kind: 'gate', gate: await renewGate(api, clock, gateOf(state), state.config.windowSeconds) }
    case 'recheck':
      await recheck(context, step)
      return none
    case 'gate-alive':
      await checkAlive(api, gateOf(state))
      return none
    case 'ask': {
      const opensInMs = Math.max(0, (state.gate === undefined ? clock.now() : deadlineOf(state.gate)) - clock.now())
      return { kind: 'answer', answer: await context.ports.ask({ title: step.title, opensInMs }, context.signal) }
    }
    case 'commit':
      await seeUnchanged(context)
      await writeObjects(context, step.objects, () => checkDeadline(clock, gateOf(state)))
      await removeObjects(context, step.removes, () => checkDeadline(clock, gateOf(state)))
      return none
    case 'disarm':
      await context.lock.guard()
      await disarmGate(api, step.gate)
      await removeObjects(context, step.policies)
      return none
    case 'open':
      await open(context, step)
      return none
    case 'see-open':
      await seeOpen(context)
      return none
    case 'restore':
      context.memory.written = []
      await restore(context, step.images)
      return none
    case 'verify':
      await verify(context, step)
      return none
    case 'drop-open-set':
      if (state.remaining.length > 0)
        throw new FwError('FW_ROLLBACK_INCOMPLETE', `${formatRef(refOf(step.openSet))} stays: it keeps the cluster open`, {
          why: 'an earlier step of the rollback failed',
        })
      await dropOpenSet(context, refOf(step.openSet))
      return none
    case 'remove-namespace':
      await context.lock.retire()
      await removeNamespace(context)
      return none
    case 'unlock':
      await tellEnd(context, state)
      await context.lock.release(state.images.length === 0)
      return none
  }
}

const gateOf = (state: RunState) => {
  if (state.gate === undefined) throw new FwError('FW_GATE', 'the gate is not armed', { why: 'nothing may be closed without it' })
  return state.gate
}

const recheck = async (context: PerformContext, step: Extract<Step, { kind: 'recheck' }>): Promise<void> => {
  await seeUnchanged(context)
  const [danger] = await context.ports.dangers(step.hostEndpoints)
  if (danger !== undefined) throw new FwError('FW_FOREIGN', `${danger.object} would make this run unsafe`, { why: danger.why, fix: danger.remedy })
}

/** A collector that has just met a new API group is slow for half a minute; nothing is written yet, so waiting is free. */
const rehearsalPatienceMs = 40_000

const rehearsal = async (context: PerformContext, { gate }: Extract<Step, { kind: 'rehearse' }>, { change, maxLagMs }: RunConfig): Promise<void> => {
  const { api, clock, report } = context.ports
  const until = clock.now() + rehearsalPatienceMs
  for (let attempt = 1; ; attempt++) {
    const lag = await rehearse(api, clock, gate, `canary-${change}-r${attempt}`, context.signal)
    report({ kind: 'lag', ms: lag })
    if (lag <= maxLagMs) return
    if (clock.now() > until) throw slowControllers(lag)
    report({ kind: 'note', text: `the cluster's controllers lag ${Math.round(lag / 1000)} s behind; rehearsing again` })
  }
}

const slowControllers = (lag: number): FwError =>
  new FwError('FW_GATE', `the cluster's controllers lag ${Math.round(lag / 1000)} s behind`, {
    why: 'if this client died the cluster would open by itself that much too late',
    fix: 'wait until kube-controller-manager has caught up (large deletions, many Jobs), then try again',
  })
