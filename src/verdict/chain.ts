import type { Rule } from '../calico/shapes.ts'
import type { Decision } from './model.ts'
import { agree, noted, type Outcome, type Trail } from './outcome.ts'
import type { Packet } from './packet.ts'
import type { RuleMatch } from './rule.ts'

/** A policy's rules in one direction. */
export interface CompiledPolicy {
  readonly name: string
  readonly direction: 'ingress' | 'egress'
  readonly rules: readonly { readonly action: Rule['action']; readonly matches: RuleMatch }[]
}

/** The policies of one tier that govern an endpoint in one direction, and what becomes of a packet none of them decides. */
export interface CompiledTier {
  readonly name: string
  readonly policies: readonly CompiledPolicy[]
  readonly atEnd: 'drop' | 'pass'
}

/** One step of a chain: a rule, or the end of a tier. */
type Step =
  | { readonly kind: 'rule'; readonly action: Rule['action']; readonly matches: RuleMatch; readonly decision: Decision; readonly nextTier: number }
  | { readonly kind: 'tier-end'; readonly decision: Decision }

/** The policies of an endpoint at one stage, flattened in the order Felix evaluates them. */
export interface Chain {
  readonly steps: readonly Step[]
}

/** How a chain ended: a rule decided, or nothing did. */
export type ChainResult = 'allow' | 'deny' | 'none'

/** Lays out tiers for evaluation. */
export const chainOf = (tiers: readonly CompiledTier[], stage: Decision['stage']): Chain => {
  const steps: Step[] = []
  for (const { name, policies, atEnd } of tiers) {
    const length = policies.reduce((sum, { rules }) => sum + rules.length, 0)
    const nextTier = steps.length + length + (atEnd === 'drop' ? 1 : 0)
    for (const policy of policies) {
      policy.rules.forEach(({ action, matches }, rule) => {
        const text = `GlobalNetworkPolicy ${policy.name} ${policy.direction}[${rule}]: ${action}`
        steps.push({ kind: 'rule', action, matches, nextTier, decision: { node: '', stage, policy: policy.name, rule, text } })
      })
    }
    if (atEnd === 'drop') {
      const text = `no rule of tier ${name} matches, and policies of it govern this direction: Deny`
      steps.push({ kind: 'tier-end', decision: { node: '', stage, text } })
    }
  }
  return { steps }
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
): Outcome => {
  const from = (start: number): Outcome => {
    for (let at = start; at < chain.steps.length; at++) {
      const step = chain.steps[at]
      if (step === undefined) break
      if (step.kind === 'tier-end') return done('deny', noted(trail, { ...step.decision, node }))
      if (step.action === 'Log') continue
      const matched = step.matches(packet)
      if (matched === false) continue
      const taken = (): Outcome =>
        step.action === 'Pass' ? from(step.nextTier) : done(step.action === 'Allow' ? 'allow' : 'deny', noted(trail, { ...step.decision, node }))
      if (matched) return taken()
      return agree(trail, node, `whether ${step.decision.text} matches depends on labels or fields the cluster does not tell`, [
        taken,
        () => from(at + 1),
      ])
    }
    return done('none', trail)
  }
  return from(0)
}
