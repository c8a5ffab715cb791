import { afterEach, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import { FwError } from '../../src/errors.ts'
import type { Outcome } from '../../src/rollout/state.ts'
import { outcomeError } from '../../src/ui/outcome-text.ts'
import { felixConfiguration, rollBack } from './operator.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

type Sim = Stage['sim']

/** One kind of interference, and what becomes of a run of `init` that meets it. */
interface Row {
  readonly fault: string
  readonly act: (sim: Sim) => unknown
  /** The step at whose beginning it comes; absent: it was there before. */
  readonly at?: RegExp
  readonly exit: number
  /** Of the error that ends it, or that turned it round. */
  readonly code?: string
  /** What the fault is called in the words of the end. */
  readonly says?: RegExp
  /** `before`: as if nothing had been. `kept`: the new firewall. `open`: everything is open, and a rollback clears away what could not be. */
  readonly after: 'before' | 'kept' | 'open'
  /** It ends when the run has. */
  readonly heals?: true
}

const firstBatch = /^close worker ws1/
const policies = /^write policies/
const ours = ({ metadata }: KubeObject) => metadata.labels?.['app.kubernetes.io/managed-by'] === 'calico-fw'
const status = (code: number, path: RegExp, more: { times?: number; retryAfter?: number; method?: string } = {}) => {
  const { retryAfter, ...rest } = more
  return (sim: Sim) =>
    sim.faults.add({ method: 'PATCH', path, harm: { kind: 'status', code, ...(retryAfter === undefined ? {} : { retryAfter }) }, ...rest })
}
const always = Number.POSITIVE_INFINITY
const writes = (harm: 'hang' | 'reset' | 'truncate', path: RegExp, after: boolean) => (sim: Sim) =>
  sim.faults.add({ method: 'PATCH', path, harm: { kind: harm }, after })

const foundBefore: Row[] = [
  {
    fault: 'a webhook that refuses HostEndpoints',
    act: (sim) => sim.webhook({ name: 'guard.example', kinds: ['HostEndpoint'], deny: () => 'not on my watch' }),
    ...{ exit: 3, code: 'FW_PREFLIGHT', says: /guard\.example refuses.*not on my watch/, after: 'before' },
  },
  {
    fault: 'a webhook whose backend is dead',
    act: (sim) => sim.webhook({ name: 'dead.example', kinds: ['GlobalNetworkPolicy'], dead: true }),
    ...{ exit: 3, code: 'FW_PREFLIGHT', says: /dead\.example does not answer/, after: 'before' },
  },
  {
    fault: 'a webhook that changes policies',
    act: (sim) =>
      sim.webhook({
        name: 'meddler.example',
        kinds: ['GlobalNetworkPolicy'],
        mutate: (object) => ({ ...object, spec: { ...(object['spec'] as object), order: 1 } }),
      }),
    ...{ exit: 3, code: 'FW_PREFLIGHT', says: /would not be stored as written/, after: 'before' },
  },
  {
    fault: 'a quota on Jobs',
    act: (sim) =>
      sim.webhook({
        name: 'quota',
        kinds: ['Job'],
        operations: ['CREATE'],
        deny: () => 'exceeded quota: compute, requested: count/jobs.batch=1, used: 0, limited: 0',
      }),
    ...{ exit: 3, code: 'FW_PREFLIGHT', says: /exceeded quota/, after: 'before' },
  },
  {
    fault: 'a quota on ConfigMaps',
    act: (sim) =>
      sim.webhook({
        name: 'quota',
        kinds: ['ConfigMap'],
        operations: ['CREATE'],
        deny: () => 'exceeded quota: maps, requested: count/configmaps=1, used: 1, limited: 1',
      }),
    ...{ exit: 3, code: 'FW_PREFLIGHT', says: /exceeded quota/, after: 'before' },
  },
  {
    fault: 'a right that is missing',
    act: (sim) => sim.deny({ verb: 'delete', resource: 'hostendpoints' }),
    exit: 6,
    code: 'FW_FORBIDDEN',
    says: /delete hostendpoints/,
    after: 'before',
  },
]

const weathered: Row[] = [
  { fault: '429 with Retry-After, twice', act: status(429, /hostendpoints/, { retryAfter: 1, times: 2 }), at: firstBatch, exit: 0, after: 'kept' },
  {
    fault: 'answers that take three seconds',
    act: (sim) => sim.faults.add({ harm: { kind: 'slow', ms: 3_000 }, path: /hostendpoints/, times: 8 }),
    at: firstBatch,
    exit: 0,
    after: 'kept',
  },
  {
    fault: 'a list whose continue token has expired (410)',
    act: status(410, /globalnetworkpolicies\?/, { method: 'GET' }),
    at: /look for foreign policies before worker ws2/,
    exit: 0,
    after: 'kept',
  },
]

const undone: Row[] = [
  {
    fault: '429 that does not end',
    act: status(429, /hostendpoints/, { times: 60, retryAfter: 1 }),
    at: firstBatch,
    exit: 4,
    code: 'FW_THROTTLED',
    after: 'before',
  },
  { fault: '422', act: status(422, /hostendpoints/), at: firstBatch, exit: 4, code: 'FW_INVALID', after: 'before' },
  { fault: '409', act: status(409, /globalnetworkpolicies/), at: policies, exit: 4, code: 'FW_CHANGED', after: 'before' },
  { fault: '500', act: status(500, /globalnetworkpolicies/), at: policies, exit: 4, code: 'FW_API', after: 'before' },
  { fault: '503', act: status(503, /hostendpoints/), at: firstBatch, exit: 4, code: 'FW_API', after: 'before' },
  {
    fault: 'a reset before the write',
    act: writes('reset', /hostendpoints/, false),
    at: firstBatch,
    exit: 4,
    code: 'FW_UNREACHABLE',
    after: 'before',
  },
  { fault: 'a reset after it', act: writes('reset', /hostendpoints/, true), at: firstBatch, exit: 4, code: 'FW_UNREACHABLE', after: 'before' },
  { fault: 'half an answer', act: writes('truncate', /hostendpoints/, true), at: firstBatch, exit: 4, code: 'FW_UNREACHABLE', after: 'before' },
  {
    fault: 'no answer, although it was done',
    act: writes('hang', /globalnetworkpolicies/, true),
    at: policies,
    exit: 4,
    code: 'FW_TIMEOUT',
    after: 'before',
  },
  {
    fault: 'a right that goes at this step',
    act: (sim) => sim.deny({ verb: 'patch', resource: 'hostendpoints' }),
    at: firstBatch,
    exit: 4,
    code: 'FW_FORBIDDEN',
    after: 'before',
    heals: true,
  },
  {
    fault: 'a webhook that comes at this step and refuses',
    act: (sim) => sim.webhook({ name: 'guard.example', kinds: ['HostEndpoint'], operations: ['CREATE', 'UPDATE'], deny: () => 'no' }),
    ...{ at: firstBatch, exit: 4, code: 'FW_INVALID', says: /guard\.example/, after: 'before' },
  },
  {
    fault: 'a webhook that comes at this step and changes',
    act: (sim) =>
      sim.webhook({
        name: 'meddler.example',
        kinds: ['HostEndpoint'],
        operations: ['CREATE'],
        mutate: (object) => ({ ...object, spec: { ...(object['spec'] as object), profiles: [] } }),
      }),
    ...{ at: firstBatch, exit: 4, code: 'FW_CHANGED', says: /not stored as written/, after: 'before' },
  },
  {
    fault: 'GitOps that edits a policy of this run',
    act: (sim) =>
      sim.objects.update({ apiVersion: v3, kind: 'GlobalNetworkPolicy', name: 'calico-fw-base' }, (object) => ({
        ...object,
        spec: { ...(object['spec'] as object), order: 7 },
      })),
    ...{ at: /renew the deadline/, exit: 4, code: 'FW_CHANGED', says: /calico-fw-base.*changed/, after: 'before' },
  },
  {
    fault: 'another operator who deletes a set of this run',
    act: (sim) => sim.objects.delete({ apiVersion: v3, kind: 'GlobalNetworkSet', name: 'calico-fw-nodes' }),
    ...{ at: /renew the deadline/, exit: 4, code: 'FW_CHANGED', says: /calico-fw-nodes.*gone/, after: 'before' },
  },
  {
    fault: 'the Tigera operator that puts the failsafes back',
    act: (sim) =>
      sim.objects.update({ apiVersion: v3, kind: 'FelixConfiguration', name: 'default' }, (object) => {
        const { failsafeInboundHostPorts: _, failsafeOutboundHostPorts: __, ...spec } = object['spec'] as Record<string, unknown>
        return { ...object, spec }
      }),
    ...{ at: /renew the deadline/, exit: 4, code: 'FW_CHANGED', says: /FelixConfiguration default.*changed/, after: 'before' },
  },
]

const leftOpen: Row[] = [
  {
    fault: 'credentials that are revoked (401)',
    act: (sim) => sim.faults.add({ harm: { kind: 'status', code: 401 }, path: /./, times: always }),
    at: /probe with worker ws1/,
    exit: 5,
    after: 'open',
    heals: true,
  },
  {
    fault: 'every right to write that is taken away (403)',
    act: (sim) => ['patch', 'create', 'delete', 'update', 'deletecollection'].map((verb) => sim.deny({ verb })),
    at: /probe with worker ws2/,
    exit: 5,
    after: 'open',
    heals: true,
  },
  {
    fault: 'a webhook that refuses to let HostEndpoints go',
    act: (sim) => sim.webhook({ name: 'guard.example', kinds: ['HostEndpoint'], operations: ['DELETE'], deny: () => 'stay' }),
    at: /probe with worker ws2/,
    exit: 5,
    after: 'open',
    heals: true,
  },
]

const exitOf = (outcome: Outcome): number => {
  const error = outcomeError(outcome)
  return error === undefined ? 0 : error instanceof FwError ? error.exit : -1
}
const cause = (outcome: Outcome): FwError | undefined =>
  'reason' in outcome && outcome.reason.error instanceof FwError ? outcome.reason.error : undefined

describe.each([
  ['found by preflight, before anything is written', foundBefore],
  ['waited out', weathered],
  ['undone exactly', undone],
  ['opened, and cleared away when it is over', leftOpen],
])('foreign hands: %s', (_, rows) => {
  it.each(rows)('$fault', async ({ act, at, exit, code, says, after, heals }) => {
    stage = await setStage()
    const before = { table: stage.table(), felix: felixConfiguration(stage) }
    const undo: unknown[] = []
    const harm = () => undo.push(...[act(stage.sim)].flat())
    let come = at === undefined
    if (at === undefined) harm()
    const run = await stage.init({
      ports: {
        report: (event) => {
          if (come || event.kind !== 'step' || at?.test(event.step.title) !== true) return
          come = true
          harm()
          if (after === 'open') void stage.sim.objects.create(lockdown)
        },
      },
    })
    const outcome = await stage.clock.drive(run.ended)
    expect(come).toBe(true)
    const error = cause(outcome)
    const told = [outcomeError(outcome), error].map((one) => (one instanceof FwError ? `${one.message} ${one.why ?? ''}` : '')).join(' ')
    expect({ exit: exitOf(outcome), code: error?.code, told }).toEqual({ exit, code: code ?? error?.code, told: expect.stringMatching(says ?? /./s) })
    if (heals) for (const one of undo) if (typeof one === 'function') one()
    stage.sim.objects.delete({ apiVersion: v3, kind: 'GlobalNetworkPolicy', name: 'lockdown' })
    await stage.clock.advance(after === 'open' ? 40_000 : 2_000)
    if (after === 'kept') {
      expect(stage.table()).not.toEqual(before.table)
      return
    }
    expect(stage.table()).toEqual(before.table)
    if (after === 'open') expect((await rollBack(stage, 0)).outcome).toEqual({ kind: 'done' })
    expect({ felix: felixConfiguration(stage), left: stage.leftovers() }).toEqual({ felix: before.felix, left: [] })
    expect(stage.sim.objects.list(v3, 'HostEndpoint').filter(ours)).toEqual([])
  })
})

/** What makes the run turn round where the fault itself would not: it closes what must stay open. */
const lockdown: KubeObject = {
  ...{ apiVersion: v3, kind: 'GlobalNetworkPolicy', metadata: { name: 'lockdown', labels: { 'projectcalico.org/tier': 'default' } } },
  spec: { tier: 'default', order: 1, selector: 'all()', types: ['Ingress'], preDNAT: true, applyOnForward: true, ingress: [{ action: 'Deny' }] },
}
