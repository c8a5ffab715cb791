import type { Lab } from '../lab.ts'
import { type Cut, cutsOf, lengthOf } from './cuts.ts'
import { formatTarget, type Sample, type Target, type WatchLine } from './protocol.ts'

/** Who must always reach whom. */
export interface LifeLine {
  readonly from: string
  readonly target: Target
}

/** What a watch saw. Times are milliseconds since the epoch. */
export interface Timeline {
  readonly began: number
  readonly ended: number
  readonly lines: readonly string[]
  readonly samples: readonly Sample[]
  readonly cuts: readonly Cut[]
}

/** How a watch is kept. */
export interface WatchOptions {
  /** Milliseconds between two attempts of one line; default 200. */
  readonly everyMs?: number
  /** Milliseconds until an attempt counts as lost; default 1000. */
  readonly timeoutMs?: number
}

/** `ws1 -> 192.168.218.175:10250`. */
export const lineId = ({ from, target }: LifeLine): string => `${from} -> ${formatTarget(target)}`

/** Every node and pod to every other node's kubelet and pod, nodes to the API, and pods to the API: what no rollout may cut, even for a moment. */
export const allLifeLines = ({ layout }: Pick<Lab, 'layout'>): LifeLine[] => {
  const controlPlane = layout.nodes.filter((node) => node.controlPlane)
  return [...layout.nodes, ...layout.pods].flatMap((place) => {
    const kubelets = layout.nodes.filter((node) => node.name !== place.name).map((node) => ({ host: node.address, port: 10250 }))
    const pods = layout.pods.filter((pod) => pod.name !== place.name).map((pod) => ({ host: pod.address, port: 80 }))
    const apis = controlPlane.map((node) => ({ host: node.address, port: layout.api.port }))
    return [...kubelets, ...pods, ...apis].map(({ host, port }) => ({ from: place.name, target: { protocol: 'tcp', host, port } }))
  })
}

/**
 * Tries every line with fresh connections again and again until `stop`.
 * `onCut` hears of a line the moment its first attempt fails, so that a test need not wait for the end.
 */
export const watchLifeLines = async (
  lab: Lab,
  lines: readonly LifeLine[],
  { everyMs = 200, timeoutMs = 1000 }: WatchOptions = {},
  onCut: (sample: Sample) => void = () => undefined,
): Promise<{ stop(): Promise<Timeline> }> => {
  const began = Date.now()
  const samples: Sample[] = []
  const byPlace = groupByPlace(lines)
  const stops = await Promise.all(
    [...byPlace].map(([place, own]) => {
      const watched: WatchLine[] = own.map((line) => ({ id: lineId(line), target: line.target }))
      return lab.agent(place).watch(watched, everyMs, timeoutMs, (seen) => {
        samples.push(...seen)
        for (const sample of seen) if (sample.answer !== 'OPEN') onCut(sample)
      })
    }),
  )
  return {
    stop: async () => {
      const ended = Date.now()
      // Attempts under way at the end still have their time to answer.
      await new Promise((resolve) => setTimeout(resolve, timeoutMs + 200))
      for (const stop of stops) stop()
      const inTime = samples.filter((sample) => sample.started <= ended)
      return { began, ended, lines: lines.map(lineId), samples: inTime, cuts: cutsOf(inTime) }
    },
  }
}

const groupByPlace = (lines: readonly LifeLine[]): ReadonlyMap<string, readonly LifeLine[]> => {
  const groups = new Map<string, LifeLine[]>()
  for (const line of lines) groups.set(line.from, [...(groups.get(line.from) ?? []), line])
  return groups
}

/** A timeline as text: how many attempts each line made and lost, then every cut in order. */
export const renderTimeline = ({ began, ended, lines, samples, cuts }: Timeline): string => {
  const attempts = new Map<string, { made: number; lost: number }>()
  for (const { id, answer } of samples) {
    const { made, lost } = attempts.get(id) ?? { made: 0, lost: 0 }
    attempts.set(id, { made: made + 1, lost: lost + (answer === 'OPEN' ? 0 : 1) })
  }
  const seconds = (ms: number) => (ms / 1000).toFixed(2)
  const rows = lines.map(
    (id) => `${id.padEnd(48)}${String(attempts.get(id)?.made ?? 0).padStart(8)}${String(attempts.get(id)?.lost ?? 0).padStart(8)}`,
  )
  const cutRows = cuts.map(
    (cut) =>
      `+${seconds(cut.from - began)} s  ${cut.id}  cut for ${seconds(lengthOf(cut, ended))} s${cut.to === undefined ? ' (to the end)' : ''}, ${cut.lost} lost, ${cut.answers.join(' ')}`,
  )
  return [
    `${lines.length} lines watched for ${seconds(ended - began)} s, ${samples.length} fresh connections`,
    `${'LINE'.padEnd(48)}${'ATTEMPTS'.padStart(8)}${'LOST'.padStart(8)}`,
    ...rows,
    cuts.length === 0 ? 'no cuts' : `${cuts.length} cuts:`,
    ...cutRows,
    '',
  ].join('\n')
}
