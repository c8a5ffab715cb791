import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseHostFirewall } from '../../src/firewall/firewall-file.ts'
import { makePlan } from '../../src/firewall/plan-maker.ts'
import { planText } from '../../src/ui/plan-text.ts'
import { homeFacts } from '../fixtures/home-facts.ts'

const home = parseHostFirewall(readFileSync(join(import.meta.dirname, '../../examples/home.yaml'), 'utf8'), 'home.yaml')
const facts = homeFacts()
const plan = makePlan({ firewall: home, facts, change: 1, windowSeconds: 90 })

it('tells the home cluster’s plan in words, in 80 columns', async () => {
  const text = planText(plan, { cluster: facts.cluster, windowSeconds: 90, columns: 80 })
  await expect(`${text}\n`).toMatchFileSnapshot('plan-text.golden.txt')
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
})

it('says the same in any order the facts come in', () => {
  const shuffled = { ...facts, nodes: facts.nodes.toReversed(), services: facts.services.toReversed() }
  const other = makePlan({ firewall: home, facts: shuffled, change: 1, windowSeconds: 90 })
  const options = { cluster: facts.cluster, windowSeconds: 90, columns: 80 }
  expect(planText(other, options)).toBe(planText(plan, options))
})
