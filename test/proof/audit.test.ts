import { describe, expect, it } from 'vitest'
import { flowsIn } from '../../src/discovery/read-flows.ts'
import type { Flow } from '../../src/firewall/facts/flows.ts'
import { audit } from '../../src/proof/audit.ts'
import { auditText } from '../../src/ui/audit-text.ts'
import { homeAddresses as at, homeFacts, nodeName, podOf } from '../fixtures/home-facts.ts'
import { homeFirewall, homePlan } from './home-plan.ts'

const facts = homeFacts()
const plan = homePlan(facts)
const flow = (source: Flow['source'], port: number, more: Partial<Flow> = {}): Flow => ({
  ...{ node: nodeName('ws1'), source, destination: at.ws1, protocol: 'TCP', sourcePort: 40_000, port },
  ...more,
})
const judged = (...flows: Flow[]) => audit(facts, plan, flows)

describe('what a plan would do to real connections', () => {
  it('names those it cuts, by source, port and node, each connection counted once', () => {
    const again = flow(at.outsider, 9100)
    const { cut, seen, kept } = judged(again, again, { ...again, sourcePort: 40_001 }, flow(at.windowsClient, 31_110), flow(at.outsider, 22))
    expect(seen).toBe(4)
    expect(kept).toBe(1)
    expect(cut.map(({ source, port, connections }) => [source, port, connections])).toEqual([
      [at.outsider, 9100, 2],
      [at.windowsClient, 31_110, 1],
    ])
  })

  it('keeps nodes and pods, and leaves out what the node or its pods began', () => {
    const { cut, seen } = judged(
      flow(at.ws2, 9100),
      flow(podOf(2), 9100),
      flow(at.ws1, 443, { destination: at.outsider }),
      flow(podOf(1), 443, { destination: at.outsider }),
    )
    expect(cut).toEqual([])
    expect(seen).toBe(2)
  })

  it('names what nodes themselves send, where the plan limits that: every kind a list lacks, and nothing that pods send', () => {
    const limited = homePlan(facts, { ...homeFirewall, spec: { ...homeFirewall.spec, egress: [] } })
    const web = flow(at.ws1, 443, { destination: at.outsider })
    const result = audit(facts, limited, [
      ...[
        web,
        { ...web, sourcePort: 40_001 },
        flow(at.ws1, 6443, { destination: at.control1 }),
        flow(at.ws1, 53, { destination: at.outsider, protocol: 'UDP' }),
      ],
      ...[flow(podOf(1), 443, { destination: at.outsider }), flow(at.outsider, 9100), flow(at.ws1, 9100)],
    ])
    expect(result).toMatchObject({ seen: 6, sent: 5, kept: 3, unknown: [] })
    expect(result.cut.map(({ source, destination, port, connections }) => [source, destination, port, connections])).toEqual([
      [at.ws1, at.outsider, 443, 2],
      [at.outsider, at.ws1, 9100, 1],
    ])
    expect(auditText(result, { seconds: 60, nodes: 5 })).toContain('6 connections (5 of them begun by nodes) came in on or left 5 nodes in 60 s')
  })

  it('tells it with what it does not know', () => {
    const text = auditText(judged(flow(at.outsider, 9100)), { seconds: 60, nodes: 5 })
    expect(text).toContain('1 connections came in on 5 nodes in 60 s')
    expect(text).toMatch(/203\.0\.113\.9 +192\.168\.218\.174:9100\/tcp +ws1\.kryukov\.local +1 +/)
    expect(text).toContain('a nightly backup is seen at night')
  })
})

describe('a node’s table of connections', () => {
  it('is read line by line, in both families; what is no such line is left out', () => {
    const text =
      'tcp 203.0.113.9 192.168.218.174 40000 9100\nudp fd00:218::53 fd00:218::174 5353 53\nicmp 1.1.1.1 2.2.2.2 0 0\ntcp nonsense 1.2.3.4 1 2\n\n'
    expect(flowsIn(text, 'ws1')).toEqual([
      { node: 'ws1', source: '203.0.113.9', destination: '192.168.218.174', protocol: 'TCP', sourcePort: 40_000, port: 9100 },
      { node: 'ws1', source: 'fd00:218::53', destination: 'fd00:218::174', protocol: 'UDP', sourcePort: 5353, port: 53 },
    ])
  })
})
