/**
 * Nodes join a closed cluster, and `sync` closes them: node scripts/run-ts.mjs test/evidence/thousand-join.ts [NODES]
 * The real runner on the simulator in virtual time: what is counted is requests, and what the wall clock says is the simulator's work as well.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { v3 } from '../../src/calico/resources.ts'
import { firewallIn } from '../../src/firewall/file/firewall-text.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { initSteps } from '../../src/rollout/init-steps.ts'
import { startRun } from '../../src/rollout/runner.ts'
import { nextChange } from '../../src/rollout/situation.ts'
import { init, situationOn } from '../rollout/operator.ts'
import { setStage } from '../rollout/stage.ts'

const count = Number(process.argv[2] ?? '1000')
const root = fileURLToPath(new URL('../../', import.meta.url))
const lines: string[] = []
const say = (line: string): void => {
  lines.push(line)
  process.stdout.write(`${line}\n`)
}
let failed = 0
const fact = (text: string, holds: boolean, detail: string): void => {
  if (!holds) failed++
  say(`${holds ? 'yes' : 'NO '}  ${text}: ${detail}`)
}

const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
say(`${count} nodes join a closed cluster of three, and sync closes them; the simulator in virtual time`)
say(`commit ${git('rev-parse', '--short', 'HEAD')}, ${new Date().toISOString().slice(0, 16)}Z, Node.js ${process.version}\n`)

const stage = await setStage()
const began = performance.now()
if ((await init(stage)).kind !== 'done') throw new Error('init did not keep')
for (let index = 0; index < count; index++) {
  const [high, low] = [Math.floor(index / 250), index % 250]
  const machine = { short: `new${index}`, address: `192.168.${100 + high}.${low + 1}`, controlPlane: false, podCidr: `10.${100 + high}.${low}.0/24` }
  stage.sim.join(machine, 0)
}
await stage.clock.advance(20_000)
say(`joined after ${((performance.now() - began) / 1000).toFixed(1)} s of work`)

const situation = await situationOn(stage)
const from = stage.sim.requests.length
const facts = await stage.facts()
const read = stage.sim.requests.length
const kept = facts.own.find(({ kind }) => kind === 'ConfigMap')
if (kept === undefined) throw new Error('no firewall is saved')
const plan = makePlan({ firewall: firewallIn(kept), facts, change: nextChange(situation), windowSeconds: 90 })
const config = { ...stage.config(plan), windowSeconds: 90 }
const outcome = await stage.clock.drive(startRun(initSteps(plan), config, { facts, probes: plan.probes }, stage.ports()).ended)
const asked = stage.sim.requests.slice(from)
const writes = asked.filter(({ method, path }) => method !== 'GET' && !path.includes('dryRun=All') && !path.includes('selfsubjectaccessreviews'))
const about = (pattern: RegExp) => writes.filter(({ path }) => pattern.test(path)).length
const endpoints = stage.sim.objects.list(v3, 'HostEndpoint').length

fact(
  'sync ends kept',
  outcome.kind === 'done',
  outcome.kind === 'done' ? `change ${plan.change}, ${plan.batches.length} batches` : JSON.stringify(outcome),
)
fact('every node is closed', endpoints === count + 3, `${endpoints} HostEndpoints`)
fact(
  'one write for the addresses',
  about(/globalnetworksets\/calico-fw-nodes/) === 1,
  `${about(/globalnetworksets\/calico-fw-nodes/)} to GlobalNetworkSet calico-fw-nodes`,
)
fact('one write a HostEndpoint', about(/hostendpoints/) === count, `${about(/hostendpoints/)}`)
const rest = writes.length - about(/hostendpoints/)
// Checkpoint, its look at the gate, renewal, and the lock's: of each batch; batches double.
fact('other writes grow with the batches, not the nodes', rest <= 20 + 6 * plan.batches.length, `${rest} beside ${plan.batches.length} batches`)
// Probes are the test's own here, one request each: what the product's prober asks is counted by bench/.
const isProbe = (path: string): boolean => /\/proxy\/healthz|\/kube-node-lease\/|\/nodes\/[^/]+$|calico-system\/pods/.test(path)
const own = asked.filter(({ method, path }) => method !== 'GET' || !isProbe(path))
fact(
  'requests are bounded: a HostEndpoint costs a look, a dry run and a write',
  own.length <= 3 * count + 60 * plan.batches.length + 200,
  `${own.length} without probes, ${(own.length / count).toFixed(2)} a node; discovery ${read - from}`,
)
say(
  `${((performance.now() - began) / 1000).toFixed(1)} s of work, ${(stage.clock.now() / 1000).toFixed(0)} s of virtual time, ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`,
)
await stage.close()
if (count === 1000) writeFileSync(fileURLToPath(new URL('./thousand-join.txt', import.meta.url)), `${lines.join('\n')}\n`)
process.exit(failed === 0 ? 0 : 1)
