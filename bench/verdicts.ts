import type { Address } from '../src/net/address.ts'
import { parseAddress } from '../src/net/address.ts'
import { committedWorld } from '../src/proof/plan-states.ts'
import type { Connection } from '../src/verdict/model.ts'
import { createDecider } from '../src/verdict/verdicts.ts'
import { homeAddresses as at, homeFacts, podOf } from '../test/fixtures/home-facts.ts'
import { homePlan } from '../test/proof/home-plan.ts'

const facts = homeFacts()
const committed = committedWorld(facts, homePlan(facts))

const nodes = [at.control1, at.ws1, at.ws2, at.ws3, at.ws4]
const sources: Address[] = [at.operator, at.windowsClient, at.outsider, ...nodes, podOf(0), podOf(3)]
const destinations: Address[] = [...nodes, podOf(1), at.ingressVip, at.apiVip, parseAddress('10.233.0.1'), parseAddress('198.51.100.7')]
const ports = [22, 80, 443, 2379, 5473, 6443, 7443, 9100, 10250, 31110, 31852, 40000]
const asked = sources.flatMap((source) =>
  destinations.flatMap((destination) => ports.map((port): Connection => ({ source, destination, protocol: 'TCP', port }))),
)
const { action } = createDecider(committed)
const counts = { allow: 0, deny: 0, unknown: 0 }
for (const connection of asked) counts[action(connection)]++
process.stdout.write(`${JSON.stringify(counts)}\n`)
for (let round = 0; round < 5; round++) {
  const c = process.cpuUsage()
  let n = 0
  for (let i = 0; i < 300; i++)
    for (const connection of asked) {
      action(connection)
      n++
    }
  const { user, system } = process.cpuUsage(c)
  process.stdout.write(`${(n / (user + system)).toFixed(2)} M/s\n`)
}
