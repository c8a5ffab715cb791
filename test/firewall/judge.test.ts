import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judge } from '../../src/firewall/probes/judge.ts'
import type { Probe, ProbeOutcome, ProbeResult } from '../../src/firewall/probes/probes.ts'
import { parseAddress } from '../../src/net/address.ts'

const outcomes: readonly ProbeOutcome[] = ['ok', 'refused', 'timeout', 'failed', 'not-run']

const probe = (expect: Probe['expect'], node: string | undefined = 'ws1', id = 'tcp/192.168.218.174/31110'): Probe => ({
  id,
  title: 'NodePort 31110 on ws1',
  target: { kind: 'tcp', address: parseAddress('192.168.218.174'), port: 31110 },
  expect,
  ...(node === undefined ? {} : { node }),
})

const result = (outcome: ProbeOutcome, id = 'tcp/192.168.218.174/31110'): ProbeResult => ({ id, outcome })

const judged = (of: Probe, was: ProbeOutcome, is: ProbeOutcome, closedNodes: readonly string[] = ['ws1']) => {
  const { green, ...lists } = judge({ probes: [of], baseline: [result(was)], results: [result(is)], closedNodes })
  const list = Object.entries(lists).find(([, findings]) => findings.length > 0)?.[0] ?? 'fine'
  return green === (list !== 'red') ? list : 'green disagrees with red'
}

describe('an open probe', () => {
  const rows: Record<ProbeOutcome, string[]> = {
    //          ok      refused           timeout           failed            not-run   <- is
    ok: ['fine', 'red', 'red', 'red', 'red'],
    refused: ['fine', 'alreadyFailing', 'alreadyFailing', 'alreadyFailing', 'notRun'],
    timeout: ['fine', 'alreadyFailing', 'alreadyFailing', 'alreadyFailing', 'notRun'],
    failed: ['fine', 'alreadyFailing', 'alreadyFailing', 'alreadyFailing', 'notRun'],
    'not-run': ['fine', 'alreadyFailing', 'alreadyFailing', 'alreadyFailing', 'notRun'],
  }
  test.each(outcomes)('that was %s', (was) => {
    expect(outcomes.map((is) => judged(probe('open'), was, is))).toEqual(rows[was])
  })
})

describe('a closed probe of a closed node', () => {
  const rows: Record<ProbeOutcome, string[]> = {
    //          ok     refused  timeout     failed      not-run   <- is
    ok: ['red', 'red', 'fine', 'red', 'notRun'],
    refused: ['red', 'red', 'fine', 'red', 'notRun'],
    timeout: ['red', 'red', 'unproven', 'red', 'notRun'],
    failed: ['red', 'red', 'unproven', 'unproven', 'notRun'],
    'not-run': ['red', 'red', 'unproven', 'red', 'notRun'],
  }
  test.each(outcomes)('that was %s', (was) => {
    expect(outcomes.map((is) => judged(probe('closed'), was, is))).toEqual(rows[was])
  })
})

describe('when a closed probe is demanded', () => {
  test.each([
    ['ws1', [], 'fine'],
    ['ws1', ['ws2'], 'fine'],
    ['ws1', ['ws2', 'ws1'], 'red'],
    [undefined, [], 'fine'],
    [undefined, ['ws2'], 'red'],
  ] as const)('node %s, closed %j: %s', (node, closedNodes, expected) => {
    const { node: _, ...anywhere } = probe('closed')
    expect(judged(node === undefined ? anywhere : probe('closed', node), 'ok', 'ok', closedNodes)).toBe(expected)
  })
})

test('sentences name the probe, what was and what is, and the reason', () => {
  const of = probe('open')
  const { red } = judge({ probes: [of], baseline: [result('ok')], results: [{ ...result('timeout'), detail: 'no answer in 3 s' }], closedNodes: [] })
  expect(red[0]?.sentence).toBe('NodePort 31110 on ws1 answered before and is silent now (no answer in 3 s)')
  const closed = judge({ probes: [probe('closed')], baseline: [result('ok')], results: [result('refused')], closedNodes: ['ws1'] })
  expect(closed.red[0]?.sentence).toBe('NodePort 31110 on ws1 should be closed and is refused')
})

test('a probe with no result at all counts as not run', () => {
  expect(judge({ probes: [probe('open')], baseline: [result('ok')], results: [], closedNodes: [] }).green).toBe(false)
  expect(judge({ probes: [probe('open')], baseline: [], results: [], closedNodes: [] }).notRun).toHaveLength(1)
})

test('what did not change is never red while nothing is closed, and every probe lands in one list at most', () => {
  const cases = fc.array(fc.record({ expect: fc.constantFrom('open' as const, 'closed' as const), outcome: fc.constantFrom(...outcomes) }))
  fc.assert(
    fc.property(cases, (drawn) => {
      const probes = drawn.map(({ expect: wanted }, index) => probe(wanted, 'ws1', `p${index}`))
      const same = drawn.map(({ outcome }, index) => result(outcome, `p${index}`))
      const { green, red, ...others } = judge({ probes, baseline: same, results: same, closedNodes: [] })
      expect([green, red]).toEqual([true, []])
      const listed = Object.values(others).flatMap((findings) => findings.map((finding) => finding.probe.id))
      expect(new Set(listed).size).toBe(listed.length)
    }),
  )
})
