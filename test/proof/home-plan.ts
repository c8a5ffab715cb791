import { readFileSync } from 'node:fs'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import type { HostFirewall } from '../../src/firewall/file/host-firewall.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { homeFacts } from '../fixtures/home-facts.ts'

const file = new URL('../../examples/home.yaml', import.meta.url)

/** The design's file for the home cluster. */
export const homeFirewall: HostFirewall = parseHostFirewall(readFileSync(file, 'utf8'), 'examples/home.yaml')

/** The plan `init -f examples/home.yaml` makes. */
export const homePlan = (facts: Facts = homeFacts(), firewall: HostFirewall = homeFirewall): Plan =>
  makePlan({ firewall, facts, change: 1, windowSeconds: 90 })
