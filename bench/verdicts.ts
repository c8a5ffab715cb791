// Concrete verdicts a second on one core, on the home cluster with its firewall in force. Bar: 1,000,000.
import { type Address, parseAddress } from '../src/net/address.ts'
import { committedWorld } from '../src/proof/plan-states.ts'
import type { Connection } from '../src/verdict/model.ts'
import { createDecider } from '../src/verdict/verdicts.ts'
import { homeAddresses as at, homeFacts, podOf } from '../test/fixtures/home-facts.ts'
import { homePlan } from '../test/proof/home-plan.ts'

const facts = homeFacts()
const nodes = [at.control1, at.ws1, at.ws2, at.ws3, at.ws4]
const sources: Address[] = [at.operator, at.windowsClient, at.outsider, ...nodes, podOf(0), podOf(3)]
const destinations: Address[] = [...nodes, podOf(1), at.ingressVip, at.apiVip, parseAddress('10.233.0.1'), parseAddress('198.51.100.7')]
const ports = [22, 80, 443, 2379, 5473, 6443, 7443, 9100, 10250, 31110, 31852, 40000]
const asked = sources.flatMap((source) =>
  destinations.flatMap((destination) => ports.map((port): Connection => ({ source, destination, protocol: 'TCP', port }))),
)
const { action } = createDecider(committedWorld(facts, homePlan(facts)))
const counts = { allow: 0, deny: 0, unknown: 0 }
for (const connection of asked) counts[action(connection)]++

const perSecond = (): number => {
  const before = process.cpuUsage()
  let taken = 0
  for (let round = 0; round < 300; round++) for (const connection of asked) taken += action(connection).length > 0 ? 1 : 0
  const { user, system } = process.cpuUsage(before)
  return taken / ((user + system) / 1e6)
}
const rounds = Array.from({ length: 7 }, perSecond).sort((one, other) => one - other)
const whole = (value: number | undefined) => Math.round(value ?? 0).toLocaleString('en')
process.stdout.write(
  `${whole(rounds[3])} verdicts a second of one core's time, median of 7 rounds (best ${whole(rounds[6])}); bar 1,000,000\n` +
    `${asked.length} different connections: ${counts.allow} allowed, ${counts.deny} denied, ${counts.unknown} not known\n`,
)
