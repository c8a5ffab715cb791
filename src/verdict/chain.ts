import type { Rule } from '../calico/shapes.ts'
import type { Ip } from './ip.ts'
import type { Decision } from './model.ts'
import { agree, type Note, noted, type Outcome, type Trail } from './outcome.ts'
import type { Packet } from './packet.ts'
import type { CompiledRule } from './rule.ts'

/** A policy's rules in one direction. */
export interface CompiledPolicy {
  readonly name: string
  readonly direction: 'ingress' | 'egress'
  readonly rules: readonly CompiledStep[]
}

interface CompiledStep extends CompiledRule {
  readonly action: Rule['action']
}

/** The policies of one tier that govern an endpoint in one direction, and what becomes of a packet none of them decides. */
export interface CompiledTier {
  readonly name: string
  readonly policies: readonly CompiledPolicy[]
  readonly atEnd: 'drop' | 'pass'
}

/** One step of a chain: a rule, or the end of a tier, which takes every packet. */
interface Step extends Partial<CompiledRule> {
  readonly action: Rule['action']
  readonly note: Note
  /** Its place in the whole chain. */
  readonly at: number
  /** Where in the whole chain a Pass goes on. */
  readonly nextTier: number
}

/** The policies of an endpoint at one stage, flattened in the order Felix evaluates them. */
export interface Chain {
  /** The steps a packet to this address can meet: those whose destination is surely another are left out. */
  readonly towards: (destination: Ip) => readonly Step[]
}

/** How a chain ended: a rule decided, or nothing did. */
export type ChainResult = 'allow' | 'deny' | 'none'

/** Lays out tiers for evaluation. Log decides nothing and is left out. */
export const chainOf = (tiers: readonly CompiledTier[], stage: Decision['stage']): Chain => {
  const steps: Step[] = []
  for (const { name, policies, atEnd } of tiers) {
    const deciding = policies.flatMap((policy) =>
      policy.rules.map((rule, index) => ({ policy, index, ...rule })).filter(({ action }) => action !== 'Log'),
    )
    const nextTier = steps.length + deciding.length + (atEnd === 'drop' ? 1 : 0)
    for (const { policy, index, action, matches, mayBeFor } of deciding) {
      const text = `GlobalNetworkPolicy ${policy.name} ${policy.direction}[${index}]: ${action}`
      steps.push({ action, matches, mayBeFor, at: steps.length, nextTier, note: { stage, policy: policy.name, rule: index, text } })
    }
    if (atEnd === 'drop') {
      const text = `no rule of tier ${name} matches, and policies of it govern this direction: Deny`
      steps.push({ action: 'Deny', at: steps.length, nextTier, note: { stage, text } })
    }
  }
  return { towards: steps.length < worthSorting ? () => steps : sortedByDestination(steps) }
}

/** From this many steps on it pays to remember which of them a destination can meet at all. */
const worthSorting = 16
/** Destinations are remembered up to this many for each chain. */
const keptDestinations = 5_000

const sortedByDestination = (steps: readonly Step[]): Chain['towards'] => {
  let known = new Map<Ip, readonly Step[]>()
  return (destination) => {
    const found = known.get(destination)
    if (found !== undefined) return found
    if (known.size >= keptDestinations) known = new Map()
    const made = steps.filter(({ mayBeFor }) => mayBeFor?.(destination) !== false)
    known.set(destination, made)
    return made
  }
}

/**
 * Evaluates a chain and goes on with what it says. Where the model cannot tell whether a rule matches, both ways are followed to their end,
 * and the outcome is unknown only if they differ.
 */
export const walk = (
  chain: Chain,
  packet: Packet,
  node: string,
  trail: Trail | undefined,
  done: (result: ChainResult, trail: Trail | undefined) => Outcome,
  start = 0,
): Outcome => {
  let from = start
  for (const step of chain.towards(packet.destination)) {
    if (step.at < from) continue
    const matched = step.matches === undefined || step.matches(packet)
    if (matched === false) continue
    if (matched) {
      if (step.action === 'Pass') {
        from = step.nextTier
        continue
      }
      return done(step.action === 'Allow' ? 'allow' : 'deny', noted(trail, node, step.note))
    }
    const taken = (): Outcome =>
      step.action === 'Pass'
        ? walk(chain, packet, node, trail, done, step.nextTier)
        : done(step.action === 'Allow' ? 'allow' : 'deny', noted(trail, node, step.note))
    const passed = (): Outcome => walk(chain, packet, node, trail, done, step.at + 1)
    const open = () => `whether ${step.note.text} matches depends on labels, ports or fields the cluster does not tell`
    return agree(trail, node, open, [taken, passed], (way) => way())
  }
  return done('none', trail)
}
