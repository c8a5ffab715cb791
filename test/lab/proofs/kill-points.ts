import { toolWrites, type Write } from '../cluster/audit.ts'
import type { Lab } from '../lab.ts'
import { until } from '../machine/run.ts'
import type { ToolRun } from '../tool.ts'

/** What must be true of the cluster once the window has passed, whoever lives. */
type Aftermath = 'never closed' | 'opens by itself' | 'stays kept'

/** A moment of a run at which its client dies. */
export interface KillPoint {
  readonly name: string
  readonly aftermath: Aftermath
  /** Resolves at the moment. */
  reached(lab: Lab, run: ToolRun): Promise<unknown>
}

/** Resolves when the API server has answered the n-th of these writes of the product. */
const written = (lab: Lab, run: ToolRun, which: (write: Write) => boolean, count = 1): Promise<unknown> =>
  until('a write of the product', async () => toolWrites(lab.state, run.began).filter(which).length >= count, 120_000, 4)

const onto =
  (resource: string, verb?: string) =>
  (write: Write): boolean =>
    write.resource === resource && (verb === undefined || write.verb === verb)

const isGate = (write: Write) => write.resource === 'networksets' && write.name?.startsWith('gate-') === true

/** Points spread over a run of `init` on four nodes, in its order; the last lies on its way back. */
export const killPoints: readonly KillPoint[] = [
  {
    name: 'after the failsafe edit',
    aftermath: 'never closed',
    reached: (lab, run) => written(lab, run, onto('felixconfigurations')),
  },
  {
    name: 'while policies are written',
    aftermath: 'never closed',
    reached: (lab, run) => written(lab, run, onto('globalnetworkpolicies'), 2),
  },
  {
    name: 'after the policies',
    aftermath: 'never closed',
    reached: (_lab, run) => run.seen('let Felix learn the policies'),
  },
  { name: 'the moment the gate is armed', aftermath: 'never closed', reached: (lab, run) => written(lab, run, isGate) },
  {
    name: 'in the middle of a batch of HostEndpoints',
    aftermath: 'opens by itself',
    reached: (lab, run) => written(lab, run, onto('hostendpoints'), 2),
  },
  {
    name: 'with every node closed, before the commit',
    aftermath: 'opens by itself',
    reached: (_lab, run) => run.seen('before the commit'),
  },
  {
    name: 'the moment the lasting Deny is written',
    aftermath: 'stays kept',
    reached: (lab, run) => written(lab, run, (write) => write.resource === 'globalnetworkpolicies' && write.name === 'calico-fw-deny'),
  },
  {
    name: 'between the commit and the disarming',
    aftermath: 'stays kept',
    reached: (_lab, run) => run.seen('probe under the lasting Deny'),
  },
  {
    name: 'on the way back, the moment everything was opened',
    aftermath: 'opens by itself',
    reached: async (lab, run) => {
      await run.seen('before the commit')
      run.signal('SIGTERM')
      await written(lab, run, (write) => write.resource === 'globalnetworksets' && write.name === 'calico-fw-open')
    },
  },
]
