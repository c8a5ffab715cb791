import { keys } from '../calico/names.ts'
import { formatRef, type KubeObject, refOf } from '../calico/object.ts'
import { takenOver } from '../firewall/adoption/adoption.ts'
import type { FailsafeChange, Plan } from '../firewall/plan/plan.ts'
import { distinct } from './checkpoint.ts'
import type { Step } from './steps.ts'

/**
 * The steps of `init`: failsafes, then sets and policies, then the armed gate, then HostEndpoints batch by batch, then the commit.
 * Until the gate is armed nothing can close; from then until the commit everything closed is closed by the gate alone. A plan that closes nothing needs no gate.
 * With `opened` the open set is there, so that batches close nothing: it is removed once every HostEndpoint belongs to this run.
 */
export const initSteps = (plan: Plan, { opened = false }: { opened?: boolean } = {}): Step[] => {
  const number = counter(plan.change)
  const closes = plan.batches.length > 0
  return [
    { kind: 'lock', title: 'take the lock' },
    {
      kind: 'preflight',
      title: 'ask the API server about every write',
      objects: dryRunObjects(plan),
      failsafes: [plan.failsafes, plan.narrowing?.trial?.change].filter((change) => change !== undefined),
    },
    ...(closes ? [{ kind: 'rehearse', title: 'rehearse the gate', gate: plan.gate } as const] : []),
    { kind: 'baseline', title: 'probe what works today' },
    ...failsafeSteps(plan.failsafes, number),
    ...policySteps(plan, number),
    ...(closes ? trialSteps(plan, number, opened) : tidyingSteps(plan, number)),
    { kind: 'unlock', title: 'release the lock' },
  ]
}

const dryRunObjects = (plan: Plan): KubeObject[] => [
  ...setsOf(plan),
  ...plan.policies,
  plan.gate.job,
  plan.gate.set,
  ...plan.batches.flatMap(({ hostEndpoints }) => hostEndpoints),
  plan.deny,
  plan.openSet,
  ...lastingOf(plan),
]

/** What the end of the run writes; a HostEndpoint of another's name cannot be asked about while that one is there. */
const lastingOf = (plan: Plan): KubeObject[] => {
  const theirs = new Set(takenOver(plan).map((object) => formatRef(refOf(object))))
  return plan.finish.write.filter((object) => !theirs.has(formatRef(refOf(object))))
}

/** The namespace came with the lock, and goes with `rollback --to 0`. */
const setsOf = ({ sets }: Plan): KubeObject[] => sets.filter(({ kind }) => kind !== 'Namespace')

/** Everything between arming and disarming. */
const trialSteps = (plan: Plan, number: () => string, opened: boolean): Step[] => {
  const scope = { closedNodes: closedBy(plan) }
  const gatePolicies = plan.policies.filter(isGatePolicy).map(refOf)
  return [
    { kind: 'checkpoint', title: 'before the gate', number: number(), refs: [refOf(plan.gate.job), refOf(plan.gate.set)] },
    { kind: 'arm', title: 'arm the gate', gate: plan.gate },
    ...batchSteps(plan, number, opened),
    ...(opened ? reclosingSteps(plan) : []),
    ...narrowingSteps(plan, number),
    {
      kind: 'checkpoint',
      title: 'before the commit',
      number: number(),
      refs: distinct([...[plan.deny, ...takenOver(plan), ...plan.finish.write].map(refOf), ...plan.finish.remove]),
    },
    { kind: 'ask', title: 'keep the firewall?', scope },
    { kind: 'probe', title: 'probe once more', scope },
    { kind: 'gate-alive', title: 'the gate still holds' },
    { kind: 'commit', title: 'keep it: write the lasting Deny', objects: [plan.deny], removes: [] },
    ...finishSteps(plan),
    { kind: 'probe', title: 'probe under the lasting Deny', scope },
    { kind: 'disarm', title: 'disarm the gate', gate: plan.gate, policies: gatePolicies },
    { kind: 'probe', title: 'probe without the gate', scope },
  ]
}

/** Failsafes are what a mistake locks out by, so they get narrower last, under the gate, on one worker before all; every Felix is awaited and everything probed after each. */
const narrowingSteps = (plan: Plan, number: () => string): Step[] => {
  if (plan.narrowing === undefined) return []
  const { trial, all } = plan.narrowing
  const scope = { closedNodes: closedBy(plan) }
  const narrow = (change: FailsafeChange, where: string, nodes: readonly string[] | undefined): Step[] => [
    { kind: 'checkpoint', title: `before narrowing the failsafes ${where}`, number: number(), refs: [change.ref], failsafes: change },
    { kind: 'gate-alive', title: 'the gate still holds' },
    { kind: 'failsafes', title: `narrow the failsafes ${where}`, change },
    {
      kind: 'settle',
      title: nodes === undefined ? 'wait until every Felix is back' : `wait until Felix is back ${where}`,
      what: 'restart',
      ...(nodes === undefined ? {} : { nodes }),
    },
    { kind: 'probe', title: `probe with them narrow ${where}`, scope },
    { kind: 'renew', title: 'renew the deadline' },
  ]
  return [
    ...(trial === undefined ? [] : narrow(trial.change, `on ${trial.node}`, [trial.node])),
    ...narrow(all, 'on every node', undefined),
    ...(trial === undefined
      ? []
      : ([
          { kind: 'remove', title: `let ${trial.node} follow the others again`, refs: [trial.change.ref], closes: [] },
          { kind: 'settle', title: `wait until Felix is back on ${trial.node}`, what: 'restart', nodes: [trial.node] },
          { kind: 'probe', title: 'probe with every node the same', scope },
          { kind: 'renew', title: 'renew the deadline' },
        ] as const)),
  ]
}

/** HostEndpoints and addresses of NICs and nodes that fell away: taking them out closes nothing, so it needs no gate. */
const tidyingSteps = (plan: Plan, number: () => string): Step[] => {
  const steps = finishSteps(plan)
  if (steps.length === 0) return []
  const refs = [...plan.finish.write.map(refOf), ...plan.finish.remove]
  return [
    { kind: 'checkpoint', title: 'before tidying up', number: number(), refs },
    ...steps,
    { kind: 'probe', title: 'probe after tidying up', scope: { closedNodes: [] } },
  ]
}

/** What `open` opened closes in one write, under the gate. */
const reclosingSteps = (plan: Plan): Step[] => [
  { kind: 'gate-alive', title: 'the gate still holds' },
  { kind: 'remove', title: 'close again: remove the open set', refs: [refOf(plan.openSet)], closes: closedBy(plan) },
  { kind: 'probe', title: 'probe with everything closed again', scope: { closedNodes: closedBy(plan) } },
  { kind: 'renew', title: 'renew the deadline' },
]

/** Stage 1, where failsafes change at all. */
const failsafeSteps = (change: Plan['failsafes'], number: () => string): Step[] =>
  change === undefined
    ? []
    : [
        { kind: 'checkpoint', title: 'before the failsafe ports', number: number(), refs: [change.ref], failsafes: change },
        { kind: 'failsafes', title: 'extend the failsafe ports', change },
        { kind: 'settle', title: 'wait until every Felix is back', what: 'restart' },
        { kind: 'probe', title: 'probe after the failsafe ports', scope: { closedNodes: [] } },
      ]

/** Stage 2: sets before the policies that name them, and realised before those: a rule over a set not there yet would match nothing. */
const policySteps = (plan: Plan, number: () => string): Step[] => [
  { kind: 'checkpoint', title: 'before sets and policies', number: number(), refs: [...setsOf(plan), ...plan.policies].map(refOf) },
  { kind: 'write', title: 'write sets', objects: setsOf(plan), closes: [] },
  { kind: 'settle', title: 'let Felix learn the sets', what: 'sync' },
  { kind: 'write', title: 'write policies', objects: plan.policies, closes: [] },
  { kind: 'settle', title: 'let Felix learn the policies', what: 'sync' },
  { kind: 'probe', title: 'probe after the policies', scope: { closedNodes: [] } },
]

/** Stage 3: each batch closes as it is written, is probed, and only then is the deadline renewed. */
const batchSteps = (plan: Plan, number: () => string, opened: boolean): Step[] =>
  plan.batches.flatMap((batch, index): Step[] => {
    const closedNodes = opened ? [] : plan.batches.slice(0, index + 1).flatMap(({ nodes }) => nodes)
    return [
      { kind: 'recheck', title: `look for foreign policies before ${batch.title}`, hostEndpoints: batch.hostEndpoints },
      { kind: 'checkpoint', title: `before ${batch.title}`, number: number(), refs: batch.hostEndpoints.map(refOf) },
      { kind: 'gate-alive', title: 'the gate still holds' },
      { kind: 'write', title: `close ${batch.title}`, objects: batch.hostEndpoints, closes: batch.nodes },
      { kind: 'probe', title: `probe with ${batch.title} closed`, scope: { closedNodes } },
      { kind: 'renew', title: 'renew the deadline' },
    ]
  })

/** Another's HostEndpoints go while ours stand before them, then the policies that governed them; only then ours get the names they keep. */
const adoptionSteps = ({ adoption }: Pick<Plan, 'adoption'>): Step[] =>
  (
    [
      ['delete the HostEndpoints that were taken over', adoption?.hostEndpoints ?? []],
      ['delete the policies that governed them', adoption?.policies ?? []],
    ] as const
  ).flatMap(([title, objects]): Step[] =>
    objects.length === 0 ? [] : [{ kind: 'remove', title, refs: objects.map(refOf), closes: [], adopted: true }],
  )

/** What only a kept change may narrow; policies go before the sets they name. */
export const finishSteps = (plan: Pick<Plan, 'finish' | 'adoption'>): Step[] => {
  const { finish } = plan
  const policies = finish.remove.filter(({ kind }) => kind === 'GlobalNetworkPolicy')
  const rest = finish.remove.filter(({ kind }) => kind !== 'GlobalNetworkPolicy')
  const lasting = finish.write.filter(({ kind }) => kind === 'HostEndpoint')
  const narrowing = finish.write.filter(({ kind }) => kind !== 'HostEndpoint')
  return [
    ...adoptionSteps(plan),
    ...(lasting.length === 0
      ? []
      : [{ kind: 'write', title: 'write HostEndpoints under their lasting names', objects: lasting, closes: [] } as const]),
    ...(narrowing.length === 0 ? [] : [{ kind: 'write', title: 'narrow what was there before', objects: narrowing, closes: [] } as const]),
    ...(policies.length === 0 ? [] : [{ kind: 'remove', title: 'delete policies that fall away', refs: policies, closes: [] } as const]),
    ...(rest.length === 0 ? [] : [{ kind: 'remove', title: 'delete what no policy names any more', refs: rest, closes: [] } as const]),
  ]
}

/** The steps of `add-vip`: one create that only opens, after any failsafe it needs. */
export const addVipSteps = (change: number, objects: readonly KubeObject[], failsafes: Plan['failsafes'], closedNodes: readonly string[]): Step[] => {
  const number = counter(change)
  return [
    { kind: 'lock', title: 'take the lock' },
    { kind: 'preflight', title: 'ask the API server about every write', objects, failsafes: failsafes === undefined ? [] : [failsafes] },
    { kind: 'baseline', title: 'probe what works today' },
    ...failsafeSteps(failsafes, number),
    { kind: 'checkpoint', title: 'before the new opening', number: number(), refs: objects.map(refOf) },
    { kind: 'write', title: 'open it', objects, closes: [] },
    { kind: 'settle', title: 'let Felix learn it', what: 'sync' },
    { kind: 'probe', title: 'probe with it open', scope: { closedNodes } },
    { kind: 'unlock', title: 'release the lock' },
  ]
}

/** Checkpoint numbers of one change: N.1, N.2 ... */
export const counter = (change: number): (() => string) => {
  let step = 0
  return () => `${change}.${++step}`
}

const closedBy = (plan: Plan): string[] => plan.batches.flatMap(({ nodes }) => nodes)

/** A gate policy goes with its gate; every other policy stays. */
export const isGatePolicy = (policy: KubeObject): boolean => policy.metadata.labels?.[keys.policy] === 'gate'
