import type { HostEndpoint } from '../../calico/shapes.ts'
import { type Adoption, onTrialOver } from '../adoption/adoption.ts'
import type { Facts } from '../facts/facts.ts'
import { runOf, type Standing } from '../facts/standing.ts'
import { expectedIPs, floatingAddresses, hostEndpoint } from '../objects/host-endpoints.ts'
import { sameSpec } from '../objects/same-spec.ts'
import type { Selection } from './selection.ts'

/** What becomes of HostEndpoints in a run. */
export interface PlannedHostEndpoints {
  /** Written in batches, with this run's label. */
  readonly write: readonly HostEndpoint[]
  /** Committed already and as the file wants them, or on nodes that are NotReady: left alone. */
  readonly keep: readonly HostEndpoint[]
  /** Ours, and no longer wanted: deleting them opens, so it waits for the commit. */
  readonly obsolete: readonly HostEndpoint[]
  /** As those that were on trial over another's stand for good, once that one is gone. */
  readonly lasting: readonly HostEndpoint[]
  /** Those on trial whose name goes with another's: they go last of all. */
  readonly passing: readonly HostEndpoint[]
}

/** How HostEndpoints are planned. */
export interface HostEndpointOptions {
  readonly change: number
  /** Also those that are as wanted get this run's label, since the run tries a narrower firewall on them. */
  readonly all: boolean
  readonly adoption: Adoption | undefined
}

/** The HostEndpoints a selection wants in a run. */
export const wantedHostEndpoints = (selection: Selection, facts: Facts, change: number): HostEndpoint[] => {
  const floating = floatingAddresses(facts)
  return selection.interfaces.map((selected) => hostEndpoint(selected, change, expectedIPs(selected, floating)))
}

/** Plans HostEndpoints. */
export const planHostEndpoints = (
  selection: Selection,
  facts: Facts,
  standing: Standing,
  { change, all, adoption }: HostEndpointOptions,
): PlannedHostEndpoints => {
  const floating = floatingAddresses(facts)
  const lasting: HostEndpoint[] = []
  const passing: HostEndpoint[] = []
  const committed = new Set(standing.runs)
  const notReady = new Set(selection.notReady.map(({ name }) => name))
  const write: HostEndpoint[] = []
  const keep: HostEndpoint[] = []
  const left = new Map(standing.hostEndpoints)
  for (const selected of selection.interfaces) {
    const addresses = expectedIPs(selected, floating)
    const wanted = hostEndpoint(selected, change, addresses)
    const found = left.get(wanted.metadata.name)
    left.delete(wanted.metadata.name)
    const theirs = adoption?.inForce.get(wanted.metadata.name)
    if (theirs !== undefined) {
      const trial = onTrialOver(wanted, theirs)
      left.delete(trial.metadata.name)
      write.push(trial)
      lasting.push(wanted)
      if (trial.metadata.name !== wanted.metadata.name) passing.push(trial)
      continue
    }
    const run = found === undefined ? undefined : runOf(found)
    const stays = !all && found !== undefined && run !== undefined && committed.has(run) && sameSpec(found, hostEndpoint(selected, run, addresses))
    if (stays) keep.push(found)
    else write.push(wanted)
  }
  const waiting = [...left.values()].filter(({ spec }) => notReady.has(spec.node))
  return { write, keep: [...keep, ...waiting], obsolete: [...left.values()].filter((one) => !waiting.includes(one)), lasting, passing }
}

/** The committed runs among HostEndpoints: what calico-fw-deny must go on naming. */
export const runsOf = (hostEndpoints: readonly HostEndpoint[], { runs }: Standing): number[] =>
  [...new Set(hostEndpoints.map(runOf))].filter((run): run is number => run !== undefined && runs.includes(run))

/** The interfaces HostEndpoints close, by node. */
export const closedInterfaces = (hostEndpoints: readonly HostEndpoint[]): Map<string, Set<string>> => {
  const closed = new Map<string, Set<string>>()
  for (const { spec } of hostEndpoints) closed.set(spec.node, (closed.get(spec.node) ?? new Set<string>()).add(spec.interfaceName ?? ''))
  return closed
}
