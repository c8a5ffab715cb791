/**
 * The product's own runner writing HostEndpoints, for bench/lab/host-endpoints.ts: lock, checkpoint, write, release. Prints milliseconds since the process began.
 * write-host-endpoints.ts KUBECONFIG FILE CHANGE
 */
import { readFileSync } from 'node:fs'
import type { KubeObject } from '../../src/calico/object.ts'
import { refOf } from '../../src/calico/object.ts'
import { createApi } from '../../src/cluster/create-api.ts'
import { resolveKubeconfig } from '../../src/cluster/kubeconfig/resolve-kubeconfig.ts'
import { connect } from '../../src/cluster/transport/connect.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { openSet } from '../../src/firewall/objects/network-sets.ts'
import type { RolloutPorts } from '../../src/rollout/ports.ts'
import { startRun } from '../../src/rollout/runner.ts'
import type { Step } from '../../src/rollout/steps.ts'
import { realClock } from '../../test/fixtures/real-time.ts'

const [kubeconfig = '', file = '', change = '1'] = process.argv.slice(2)
const objects = readFileSync(file, 'utf8')
  .split('\n---\n')
  .map((text) => JSON.parse(text) as KubeObject)
const workstation = {
  env: { KUBECONFIG: kubeconfig },
  platform: 'linux' as const,
  home: '/',
  cwd: '/',
  readFile: (path: string) => readFileSync(path),
  now: () => Date.now(),
  terminal: { stdin: 0, stderr: 2, isTerminal: false },
}
let requests = 0
const connection = connect(resolveKubeconfig({}, workstation), workstation, { onExchange: () => requests++ })
const api = createApi(connection)
const steps: Step[] = [
  { kind: 'lock', title: 'take the lock' },
  { kind: 'checkpoint', title: 'before the HostEndpoints', number: `${change}.1`, refs: objects.map(refOf) },
  { kind: 'write', title: 'write the HostEndpoints', objects, closes: [] },
  { kind: 'unlock', title: 'release the lock' },
]
const ports: RolloutPorts = {
  ...{ api, clock: realClock, holder: `bench@lab/${process.pid}`, command: 'bench' },
  prober: { run: () => Promise.resolve([]) },
  journal: { saveCheckpoint: () => Promise.resolve(undefined), appendHistory: () => Promise.resolve(undefined) },
  ask: () => Promise.resolve('keep'),
  report: () => undefined,
  dangers: () => Promise.resolve([]),
}
const config = {
  ...{ change: Number(change), windowSeconds: 60, maxLagMs: 5_000, maxQuestionMs: 60_000 },
  ...{ openSet: openSet('native'), opened: false, isRollback: false },
}
const subject = { facts: { cluster: { uid: 'bench' } } as Facts, probes: [] }
const outcome = await startRun(steps, config, subject, ports).ended
connection.close()
process.stdout.write(`${JSON.stringify({ outcome: outcome.kind, ms: performance.now(), requests, rss: process.resourceUsage().maxRSS * 1024 })}\n`)
process.exit(outcome.kind === 'done' ? 0 : 1)
