/** Explores the protocol: npm run explore -- [--schedules N] [--seed S] [--faults F] [--simulator N [--first K] [--tls]] */
import { parseArgs } from 'node:util'
import { random } from '../fixtures/random.ts'
import { type Scenario, scenarios } from './scenarios.ts'
import { play } from './schedules.ts'
import { type CounterExample, exhaust } from './search.ts'
import { playMany } from './simulated-many.ts'

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '2' },
    simulator: { type: 'string', default: '0' },
    first: { type: 'string', default: '0' },
    tls: { type: 'boolean', default: false },
  },
})
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const fail = ({ scenario, broken, trace }: CounterExample): void => {
  print(`NO   ${scenario}: ${broken}\n${trace.map((move) => `       ${move}`).join('\n')}`)
  process.exitCode = 1
}
const nodesNamed = (count: number): string[] => Array.from({ length: count }, (_, index) => `n${index}`)

const everyState = (scenario: Scenario, nodes: number, faults: number): void => {
  const began = performance.now()
  const { states, transitions, found } = exhaust(scenario, faults)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  if (found !== undefined) fail(found)
  else
    print(
      `yes  ${scenario.name}, ${nodes} node${nodes === 1 ? '' : 's'}, ${faults} fault${faults === 1 ? '' : 's'}: ${states} states, ${transitions} transitions, ${seconds} s`,
    )
}

const many = (count: number, seed: number): void => {
  const began = performance.now()
  const chance = random(seed)
  const all = [4, 12, 40].flatMap((nodes) => scenarios(nodesNamed(nodes)))
  let moves = 0
  for (let played = 0; played < count; played++) {
    // Small clusters more often: their histories are short.
    const scenario = all[Math.floor(chance() ** 2 * all.length)]
    if (scenario === undefined) continue
    const ended = play(scenario, 1 + Math.floor(chance() * 4), chance)
    moves += ended.moves
    if (ended.found !== undefined) {
      fail(ended.found)
      return
    }
  }
  print(`yes  ${count} schedules from seed ${seed} on 4 to 40 nodes: ${moves} moves, ${((performance.now() - began) / 1000).toFixed(1)} s`)
}

/** The real runner against the simulator, in virtual time; with `tls` over the product's own connection and real sockets. */
const throughSimulator = async (count: number, first: number, seed: number, tls: boolean): Promise<void> => {
  const began = performance.now()
  const { ends, found } = await playMany({ count, first, seed, tls })
  for (const { number, broken, trace } of found) fail({ scenario: `simulated schedule ${number}`, broken, trace })
  const told = Object.entries(ends).map(([end, times]) => `${times} ${end}`)
  print(
    `${found.length === 0 ? 'yes' : 'NO '}  ${count} schedules through the simulator${tls ? ', over TLS,' : ''} from seed ${seed}: ${told.join(', ')}; ${found.length} broken, ${((performance.now() - began) / 1000).toFixed(1)} s`,
  )
}

if (Number(values.simulator) > 0) {
  await throughSimulator(Number(values.simulator), Number(values.first), Number(values.seed), values.tls)
  process.exit()
}
if (Number(values.faults) > 0)
  for (const nodes of [1, 2])
    for (const scenario of scenarios(nodesNamed(nodes))) everyState(scenario, nodes, nodes === 1 ? Number(values.faults) : 1)
many(Number(values.schedules), Number(values.seed))
