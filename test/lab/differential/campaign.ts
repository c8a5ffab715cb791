import fc from 'fast-check'
import type { Connection, Verdict } from '../../../src/verdict/model.ts'
import { createDecider } from '../../../src/verdict/verdicts.ts'
import type { Lab } from '../lab.ts'
import { resetCalico } from '../lab-test.ts'
import type { Kernel } from '../rules/kernel.ts'
import { arbitraryEra } from './arbitrary-era.ts'
import { arbitraryObjects } from './arbitrary-objects.ts'
import { arbitraryPacket } from './arbitrary-packets.ts'
import { beginEra } from './era.ts'
import { byRules, type Comparison, compareWithRules, type Disagreement, featureOf } from './judging.ts'
import type { Era, ObjectSet } from './object-set.ts'
import { compareWithAnswer, isSendable, sendAll } from './probing.ts'
import { createProgrammer } from './programming.ts'
import { shrink } from './shrink.ts'
import { type Terrain, terrainOf } from './terrain.ts'
import { worldWith } from './world.ts'

/** How much is compared. */
export interface Extent {
  readonly seed: number
  readonly eras: number
  /** Sets of objects in each era. */
  readonly sets: number
  /** Packets by rule dumps, and packets really sent, for each set. */
  readonly packets: number
  readonly probes: number
  /** No further set begins after so many milliseconds; absent: all do. */
  readonly budgetMs?: number
}

/** A disagreement, and where in the campaign it was met: enough to meet it again. */
export interface Met extends Disagreement {
  readonly place: string
  readonly era: Era
  readonly objects: ObjectSet
}

/** What a campaign came to. */
export interface Tally {
  sets: number
  byRules: Record<Comparison, number>
  byPackets: Record<Comparison, number>
  /** Packets that got their answer only when they were sent a second time. */
  resent: number
  /** How often the model did not know, by what it would have to know. */
  readonly unknowns: Map<string, number>
  readonly met: Met[]
}

/** One draw of an arbitrary, the same for the same seed. */
export const drawn = <T>(arbitrary: fc.Arbitrary<T>, seed: number, count: number): T[] => fc.sample(arbitrary, { seed, numRuns: count })

/** The seed of a part: far from its neighbours', so that no two parts draw alike. */
const partSeed = (seed: number, ...path: readonly number[]): number =>
  path.reduce((sum, part) => (Math.imul(sum, 0x9e3779b1) ^ (part + 0x7f4a7c15)) | 0, seed)

/** Compares the model with the real Felix over random eras, sets of objects and packets; the lab's ground must be prepared. */
export const compareAll = async (lab: Lab, extent: Extent, tell: (line: string) => void): Promise<Tally> => {
  const began = performance.now()
  const terrain = terrainOf(lab.layout)
  await resetCalico(lab)
  const programmer = await createProgrammer(lab)
  const tally: Tally = {
    ...{ sets: 0, resent: 0, unknowns: new Map<string, number>(), met: [] },
    byRules: { agree: 0, unknown: 0, disagree: 0 },
    byPackets: { agree: 0, unknown: 0, disagree: 0 },
  }
  for (let eraNumber = 0; eraNumber < extent.eras; eraNumber++) {
    const era = drawnEra(terrain, extent.seed, eraNumber)
    if (isOver(extent, began)) break
    await beginEra(lab, programmer, era, eraNumber)
    for (let set = 0; set < extent.sets && !isOver(extent, began); set++) {
      const objects = drawnObjects(lab, terrain, era, extent.seed, eraNumber, set)
      const place = `seed ${extent.seed} era ${eraNumber} set ${set}`
      const kernels = await programmer.program(objects)
      const packets = drawn(arbitraryPacket(terrain, era.services), partSeed(extent.seed, eraNumber, set, 2), extent.packets)
      const met = await compareSet({ lab, terrain, era, objects, kernels, tally }, packets, extent.probes)
      tally.met.push(...met.map((one) => ({ ...one, place, era, objects })))
      tally.sets++
      if (met.length > 0) tell(`${place}: ${met.length} disagree, for example ${formatDisagreement(met[0] as Disagreement)}`)
    }
    tell(`seed ${extent.seed} era ${eraNumber}: ${summary(tally)} after ${((performance.now() - began) / 1000).toFixed(0)} s`)
  }
  return tally
}

const isOver = ({ budgetMs }: Extent, began: number): boolean => budgetMs !== undefined && performance.now() - began > budgetMs

/** The era of a campaign by its number. */
export const drawnEra = (terrain: Terrain, seed: number, number: number): Era =>
  drawn(arbitraryEra(terrain, number), partSeed(seed, number), 1)[0] as Era

/** A set of objects of a campaign by its numbers. */
export const drawnObjects = (lab: Pick<Lab, 'variant'>, terrain: Terrain, era: Era, seed: number, eraNumber: number, set: number): ObjectSet =>
  drawn(
    arbitraryObjects(terrain, era, lab.variant.felix === 'native' ? 'nftables' : 'iptables'),
    partSeed(seed, eraNumber, set, 1),
    1,
  )[0] as ObjectSet

interface Judged {
  readonly lab: Lab
  readonly terrain: Terrain
  readonly era: Era
  readonly objects: ObjectSet
  readonly kernels: readonly Kernel[]
  readonly tally: Tally
}

const compareSet = async (
  { lab, terrain, era, objects, kernels, tally }: Judged,
  packets: readonly Connection[],
  probes: number,
): Promise<Disagreement[]> => {
  const { action, verdict } = createDecider(worldWith(lab, terrain, era, objects))
  const met: Disagreement[] = []
  const note = (connection: Connection, really: string) => met.push({ connection, verdict: verdict(connection), really })
  const count = (into: Record<Comparison, number>, comparison: Comparison, said: () => Verdict) => {
    into[comparison]++
    if (comparison !== 'unknown') return
    const feature = featureOf(said())
    tally.unknowns.set(feature, (tally.unknowns.get(feature) ?? 0) + 1)
  }
  for (const connection of packets) {
    const found = byRules(lab, kernels, connection)
    const comparison = compareWithRules(action(connection), found)
    count(tally.byRules, comparison, () => verdict(connection))
    if (comparison === 'disagree') note(connection, `by rules ${found.fate}: ${found.ways.join(' | ')}`)
  }
  const fronts = frontsOf(terrain, era)
  const sendable = distinct(packets.filter((connection) => isSendable(lab, terrain, connection, fronts))).slice(0, probes)
  const answers = await sendAll(lab, sendable)
  const again = sendable.filter(
    (connection, index) => compareWithAnswer(verdict(connection), answers[index] ?? 'ERR:unsent', connection.protocol) === 'disagree',
  )
  const second = again.length === 0 ? [] : await sendAll(lab, again, true)
  for (const [index, connection] of sendable.entries()) {
    const at = again.indexOf(connection)
    // A port that is still taken tells nothing.
    const answer = (at < 0 || second[at]?.startsWith('ERR:EADDR') ? answers[index] : second[at]) ?? 'ERR:unsent'
    if (answer.startsWith('ERR:EADDR')) continue
    const comparison = compareWithAnswer(verdict(connection), answer, connection.protocol)
    count(tally.byPackets, comparison, () => verdict(connection))
    if (comparison === 'disagree') note(connection, `by packets ${answer} (by rules ${byRules(lab, kernels, connection).fate})`)
    else if (at >= 0) tally.resent++
  }
  return met
}

/** `address PROTOCOL port` of everything a Service answers on. */
const frontsOf = ({ nodes, held }: Terrain, { services }: Era): ReadonlySet<string> =>
  new Set(
    services.flatMap((service) =>
      service.ports.flatMap(({ protocol, port, nodePort }) => [
        ...[...service.clusterIPs, ...service.externalIPs, ...service.loadBalancerIPs].map((address) => `${address} ${protocol} ${port}`),
        ...(nodePort === undefined ? [] : [...nodes, ...held].map(({ address }) => `${address} ${protocol} ${nodePort}`)),
      ]),
    ),
  )

/** One packet for each place, port and destination: two from one port at once would be one connection. */
const distinct = (connections: readonly Connection[]): Connection[] => [
  ...new Map(connections.map((one) => [`${one.source} ${one.protocol} ${one.sourcePort ?? one.destination}`, one])).values(),
]

/** A disagreement in one line. */
export const formatDisagreement = ({ connection, verdict, really }: Disagreement): string =>
  `${JSON.stringify(connection)}: the model says ${verdict.action} (${verdict.decisions.map(({ text }) => text).join('; ')}), ${really}`

/** A tally in one line. */
export const summary = ({ sets, byRules: rules, byPackets: wire, resent, met }: Tally): string =>
  `${sets} sets; by rules ${rules.agree} agree, ${rules.unknown} unknown, ${rules.disagree} disagree; by packets ${wire.agree} agree, ${wire.unknown} unknown, ${wire.disagree} disagree, ${resent} sent twice; ${met.length} met`

/**
 * Shrinks the first disagreement of a campaign to a minimal set of objects under which the model and the rules still differ about that packet; one
 * only packets showed stays as it is.
 */
export const minimal = async (lab: Lab, { era, objects, connection }: Met): Promise<ObjectSet> => {
  await resetCalico(lab)
  const programmer = await createProgrammer(lab)
  const terrain = terrainOf(lab.layout)
  await beginEra(lab, programmer, era, 249)
  return shrink(objects, async (smaller) => {
    const kernels = await programmer.program(smaller)
    const { action } = createDecider(worldWith(lab, terrain, era, smaller))
    return compareWithRules(action(connection), byRules(lab, kernels, connection)) === 'disagree'
  })
}
