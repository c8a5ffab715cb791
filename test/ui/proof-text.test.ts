import { expect, it } from 'vitest'
import { proofText } from '../../src/ui/proof-text.ts'

const scope = { lifeLines: 280, states: 53, nodes: 5, kinds: 2, asked: 5 }

it('says what was asked', () => {
  expect(proofText({ scope, checked: 7336, undecided: [] })).toBe(
    'Proved: in no state of this change is a known lifeline cut (280 lifelines in 53 states, 7336 verdicts).',
  )
})
it('says who stood for whom', () => {
  expect(proofText({ scope: { ...scope, nodes: 5000, kinds: 1, asked: 15 }, checked: 1, undecided: [] })).toContain(
    ', on 15 nodes that stand for 5000 of 1 kind, 1 verdicts)',
  )
})
it('names what it could not decide, and why', () => {
  const undecided = [
    { flow: 'a pod on ws1 -> DNS', why: 'unknown: no kube-proxy runs' },
    { flow: 'another', why: 'unknown' },
  ]
  expect(proofText({ scope, checked: 1, undecided })).toMatch(
    / Not proved, for nobody can tell whether they work today: a pod on ws1 -> DNS and 1 more \(unknown: no kube-proxy runs\)\.$/,
  )
})
