import type { KubeObject } from '../../calico/object.ts'
import { FwError } from '../../errors.ts'
import type { Realised } from '../ports.ts'
import type { PerformContext } from './context.ts'

/**
 * Felix programmed every change on an idle cluster within 0.1 to 1.6 s of the write. Where no node shows the change, because nothing selects it yet or nobody
 * can look, this is what it is given: a bounded grace and not an observation. What a batch closes is observed by its probes besides.
 */
const graceMs = 2_000
/** A Felix that has not programmed a change after this long is not going to while we hope. */
const withinMs = 10_000
const lookAgainMs = 300

const stuckStates: readonly Realised['state'][] = ['stopped', 'crashing', 'down', 'cut']
/** States of a Felix that does its work. */
const fine: readonly Realised['state'][] = ['programmed', 'idle']

/**
 * Waits until every node these objects concern shows them in its packet filter.
 * @throws FwError FW_PREFLIGHT naming the first node that does not within 10 s, and what is the matter with its Felix
 */
export const seeRealised = async (context: PerformContext, objects: readonly KubeObject[]): Promise<void> => {
  const { ports, signal } = context
  const { clock, realised } = ports
  if (realised === undefined) return clock.sleep(graceMs, signal)
  const begun = clock.now()
  for (let looks = 1; ; looks++) {
    const seen = await realised(objects, signal)
    const told = seen.filter(({ state }) => state !== 'unseen')
    const waited = clock.now() - begun
    if (told.length < seen.length || told.length === 0) noteGrace(context, seen)
    const waiting = told.filter(({ state }) => !fine.includes(state))
    const isShown = told.length === seen.length && told.some(({ state }) => state === 'programmed')
    if (waiting.length === 0 && (isShown || waited >= graceMs)) return
    // Twice, for Felix may be in the middle of a restart of its own.
    if (waited >= withinMs || (looks > 1 && waiting.some(({ state }) => state === 'stopped' || state === 'crashing'))) throw notRealised(waiting)
    await clock.sleep(lookAgainMs, signal)
  }
}

/** Whether a Felix is in a state no waiting mends. */
export const isStuck = ({ state }: Realised): boolean => stuckStates.includes(state)

/** Felixes that will not program anything, each named; none where nobody can look. */
export const stuckFelixes = async ({ ports, signal }: PerformContext): Promise<Realised[]> =>
  ((await ports.realised?.([], signal)) ?? []).filter(isStuck)

/**
 * Every Felix of a Ready node does its work, before anything is written; one in the middle of a restart is waited for.
 * @throws FwError FW_PREFLIGHT naming the first that does not within 10 s, and what is the matter with it
 */
export const seeFelixesWell = async ({ ports, signal, subject }: PerformContext): Promise<void> => {
  const { clock, realised } = ports
  if (realised === undefined) return
  const ready = new Set(subject.facts.nodes.flatMap((node) => (node.ready ? [node.name] : [])))
  const begun = clock.now()
  for (;;) {
    const ill = (await realised([], signal)).filter(({ node, state }) => ready.has(node) && state !== 'unseen' && !fine.includes(state))
    if (ill.length === 0) return
    if (clock.now() - begun >= withinMs) throw notRealised(ill, 'mend it, then run the command again; nothing was written')
    await clock.sleep(lookAgainMs, signal)
  }
}

/** The sentence of the worst first. */
export const notRealised = (
  seen: readonly Realised[],
  fix = 'see what ails it, then run the command again; nothing is closed beyond it',
): FwError => {
  const ordered = [...seen].sort((one, other) => Number(isStuck(other)) - Number(isStuck(one)))
  const [first, ...more] = ordered
  return new FwError('FW_PREFLIGHT', first?.sentence ?? 'a Felix does not program what was written', {
    why:
      more.length === 0
        ? 'every other node is well'
        : `and ${more.length} more: ${[...new Set(more.map(({ node }) => node))].slice(0, 3).join(', ')}`,
    fix,
  })
}

/** Told once a run: which nodes are taken on trust, and for how long. */
const noteGrace = ({ memory, ports }: PerformContext, seen: readonly Realised[]): void => {
  if (memory.graceNoted === true) return
  memory.graceNoted = true
  const [unseen] = seen.filter(({ state }) => state === 'unseen')
  const why = unseen?.sentence ?? 'no node has a calico-node pod to look from'
  ports.report({ kind: 'note', text: `${why}; Felix is given ${graceMs / 1000} s after each write, and the probes decide` })
}
