import { names } from '../../calico/names.ts'
import type { KubeObject, ObjectRef } from '../../calico/object.ts'
import { resourceOf } from '../../calico/resources.ts'
import type { Api } from '../../cluster/api.ts'
import { FwError } from '../../errors.ts'
import { chainOf, linkOf } from '../chain.ts'
import { type BeforeImage, type ChangeEvidence, type Checkpoint, checkpointVersion, compareNumbers, imageKey, parseNumber } from '../checkpoint.ts'
import type { Step } from '../steps.ts'
import { readCheckpoints, writeCheckpoint } from './checkpoint-store.ts'
import type { PerformContext } from './context.ts'
import { listsOf } from './failsafes.ts'

/** From this many objects of one kind, one list is cheaper than that many reads. */
const listFrom = 8

/** Reads what the coming writes touch, and saves it in the cluster and on the operator's disk before anything is written. */
export const checkpoint = async (context: PerformContext, step: Extract<Step, { kind: 'checkpoint' }>): Promise<BeforeImage[]> => {
  const { ports, subject } = context
  const captured = await capture(ports.api, step.refs)
  const wrote = step.wrote ?? (step.failsafes === undefined ? undefined : listsOf(step.failsafes))
  // A rollback's are those of `default`; a node's own lists, tried before everybody's, have a checkpoint of their own.
  const isWritten = ({ kind, name }: ObjectRef): boolean =>
    kind === 'FelixConfiguration' && (step.failsafes === undefined ? name === names.felixConfiguration : name === step.failsafes.ref.name)
  const images = wrote === undefined ? captured : captured.map((image) => (isWritten(image.ref) ? { ...image, wrote } : image))
  for (const { ref, before } of images) context.memory.seen.set(imageKey(ref), before)
  const { memory } = context
  const isFirst = parseNumber(step.number).step === 1
  if (memory.link === undefined) {
    const { checkpoints } = await readCheckpoints(ports.api)
    if (isFirst) seePlannedAfter(checkpoints, step.number, subject.checkpoints)
    memory.link = chainOf(checkpoints).head
  }
  const record: Checkpoint = {
    apiVersion: checkpointVersion,
    kind: 'Checkpoint',
    number: step.number,
    title: step.title,
    at: ports.clock.wall().toISOString(),
    by: ports.holder,
    command: ports.command,
    ...(subject.undoes === undefined ? {} : { undoes: subject.undoes }),
    ...(subject.accepted === undefined ? {} : { accepted: subject.accepted }),
    ...(isFirst && subject.evidence !== undefined ? { evidence: { ...subject.evidence, probes: probesBefore(context) } } : {}),
    ...(memory.green === undefined ? {} : { green: memory.green }),
    images,
    ...(memory.link === undefined ? {} : { previous: memory.link }),
  }
  await context.lock.guard()
  await writeCheckpoint(ports.api, record)
  memory.link = linkOf(record)
  const problem = await ports.journal.saveCheckpoint(subject.facts.cluster.uid, step.number, record)
  if (problem !== undefined) ports.report({ kind: 'note', text: `${problem.message}: the cluster's own copy counts` })
  return images
}

/**
 * What a change is to do was planned before it took the lock.
 * @throws FwError FW_CONFLICT where another change was made, kept or taken away meanwhile
 */
const seePlannedAfter = (now: readonly Checkpoint[], first: string, planned: readonly string[] | undefined): void => {
  const refuse = (what: string) =>
    new FwError('FW_CONFLICT', what, { why: 'what this change is to do was planned before it', fix: 'run the command again: it plans anew' })
  const later = now.find(({ number }) => compareNumbers(number, first) > 0)
  if (later !== undefined) throw refuse(`change ${parseNumber(later.number).change} was made meanwhile`)
  if (planned === undefined) return
  const numbers = new Set(now.map(({ number }) => number))
  if (planned.some((number) => !numbers.has(number))) throw refuse('earlier changes were taken away meanwhile')
  const [more] = [...numbers].filter((number) => !planned.includes(number))
  if (more !== undefined) throw refuse(`change ${parseNumber(more).change} went on meanwhile`)
}

const probesBefore = ({ subject, memory: { baseline } }: PerformContext): NonNullable<ChangeEvidence['probes']> => {
  const answers = new Map(baseline.map(({ id, outcome }) => [id, outcome]))
  return subject.probes.map(({ id, title, expect }) => ({ id, title, expect, before: answers.get(id) ?? 'not-run' }))
}

/** The before-images of these objects, in their order. Of a kind with at least `least` objects there is one list; who may only list gives 1. */
export const capture = async (api: Api, refs: readonly ObjectRef[], least = listFrom): Promise<BeforeImage[]> => {
  const byKind = new Map<string, ObjectRef[]>()
  for (const ref of refs) {
    const key = `${ref.apiVersion} ${ref.kind} ${ref.namespace ?? ''}`
    byKind.set(key, [...(byKind.get(key) ?? []), ref])
  }
  const found = new Map<string, KubeObject>()
  for (const group of byKind.values()) {
    const [first] = group
    if (first === undefined) continue
    if (group.length >= least) {
      const options = first.namespace === undefined ? {} : { namespace: first.namespace }
      for (const object of (await api.list(resourceOf(first.apiVersion, first.kind), options)) ?? []) {
        found.set(imageKey({ ...first, name: object.metadata.name }), { ...object, apiVersion: first.apiVersion, kind: first.kind })
      }
    } else {
      const read = async (ref: ObjectRef): Promise<void> => {
        const object = await api.get(ref)
        if (object !== undefined) found.set(imageKey(ref), object)
      }
      await Promise.all(group.map(read))
    }
  }
  return refs.map((ref) => ({ ref, before: found.get(imageKey(ref)) ?? null }))
}
