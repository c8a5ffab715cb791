import type { Facts, NodeFacts } from '../../src/firewall/facts/facts.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { homeFirewall } from './home-firewall.ts'

/** The plan of the home cluster, with other facts or other parts of the file. */
export const homePlan = (facts: Facts = homeFacts(), spec: Parameters<typeof homeFirewall>[0] = {}, change = 1): Plan =>
  makePlan({ firewall: homeFirewall(spec), facts, change, windowSeconds: 90 })

/** The words of a plan's notices. */
export const noticesOf = (of: Plan): string[] => of.notices.map(({ text }) => text)

/** The ids of the probes that expect this. */
export const probesOf = (of: Plan, expected: 'open' | 'closed'): string[] => of.probes.filter(({ expect }) => expect === expected).map(({ id }) => id)

/** Facts with one node changed. */
export const withNode = (facts: Facts, name: string, change: Partial<NodeFacts>): Facts => ({
  ...facts,
  nodes: facts.nodes.map((node) => (node.name === name ? { ...node, ...change } : node)),
})
