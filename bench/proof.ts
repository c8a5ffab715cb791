import { makePlan } from '../src/firewall/plan-maker.ts'
import { castOf } from '../src/proof/cast.ts'
import { changeOf } from '../src/proof/change.ts'
import { proveCast } from '../src/proof/prove-plan.ts'
import { bigFacts, bigFirewall, type Size } from '../test/fixtures/big-facts.ts'
import { homeFacts } from '../test/fixtures/home-facts.ts'
import { homePlan } from '../test/proof/home-plan.ts'

const cpu = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
const big = (size: Size) => {
  const facts = bigFacts(size)
  const a = cpu()
  const plan = makePlan({ firewall: bigFirewall(size), facts, change: 1, windowSeconds: 90 })
  const b = cpu()
  const cast = castOf(facts, changeOf(plan))
  const c = cpu()
  const r = proveCast(cast, facts, plan)
  const d = cpu()
  process.stdout.write(
    `${JSON.stringify(size)}: plan ${(b - a).toFixed(0)} cast ${(c - b).toFixed(0)} prove ${(d - c).toFixed(0)} ms cpu, rss ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB ${JSON.stringify(r.scope)} ${r.checked} ${r.refusals.length} ${r.undecided.length} nodes ${cast.facts.nodes.length}\n`,
  )
}
for (let i = 0; i < 3; i++) {
  const home = homeFacts()
  const plan = homePlan(home)
  const a = cpu()
  proveCast(castOf(home, changeOf(plan)), home, plan)
  process.stdout.write(`home ${(cpu() - a).toFixed(0)}\n`)
}
for (const nodes of (process.env.NODES ?? '500,5000').split(',').map(Number)) big({ nodes, kinds: 4, policies: 300, services: 2000 })
