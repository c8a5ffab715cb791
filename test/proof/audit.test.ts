import { describe, expect, it } from 'vitest'
import { flowsIn } from '../../src/discovery/read-flows.ts'
import type { Flow } from '../../src/firewall/flows.ts'
import { audit } from '../../src/proof/audit.ts'
import { auditText } from '../../src/ui/audit-text.ts'
import { homeAddresses as at, homeFacts, nodeName, podOf } from '../fixtures/home-facts.ts'
import { homePlan } from './home-plan.ts'

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
