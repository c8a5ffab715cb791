import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { planText } from '../../src/ui/plan-text.ts'
import { afterPlan } from '../firewall/closed-facts.ts'
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

it('promises no gate and no question where nothing closes', () => {
  const standing = afterPlan(facts, plan)
  const wider = makePlan({
    firewall: { ...home, spec: { ...home.spec, trustedNets: [...home.spec.trustedNets, parseCidr('192.168.7.0/24')] } },
    facts: standing,
    change: 2,
    windowSeconds: 90,
  })
  const text = planText(wider, { cluster: facts.cluster, windowSeconds: 90, columns: 100 }).replaceAll(/\s+/g, ' ')
  expect(text).toMatch(/What opens[\s\S]*192\.168\.7\.0\/24[\s\S]*Danger[\s\S]*opens at once; they close nothing[\s\S]*Nothing closes\. A red probe/)
  expect(text).not.toMatch(/Your word|rehearse|close nothing yet|opens the cluster/)
})

it('begins with it where a firewall closes nothing', () => {
  const nodeSelector = { matchLabels: { no: 'node' } }
  const none = makePlan({
    firewall: { ...home, spec: { ...home.spec, interfaces: [{ nodeSelector, names: ['ens160'], labels: {} }] } },
    ...{ facts, change: 1, windowSeconds: 90 },
  })
  const text = planText(none, { cluster: facts.cluster, windowSeconds: 90, columns: 100 })
  expect(text.split('\n')[1]).toContain('this firewall closes nothing')
  expect(text).not.toContain('Your word')
})
