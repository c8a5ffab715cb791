import { describe, expect, it } from 'vitest'
import type { Address } from '../../src/net/address.ts'
import { createVerdicts } from '../../src/verdict/verdicts.ts'
import { worldOf } from '../../src/verdict/world.ts'
import { homeAddresses as at, homeFacts, podOf } from '../fixtures/home-facts.ts'
import { tutorialHostEndpoints, tutorialPolicies } from '../fixtures/tutorial.ts'

const facts = homeFacts({ nodes: 3 })
const bare = worldOf(facts)
const hostEndpoints = tutorialHostEndpoints(facts.nodes)
const policies = tutorialPolicies

/** What real packets did: the states of the tutorial, columns as probed from a LAN client or an outsider, and from nodes and pods. */
const states = [
  ['no HEP', bare, { hostPorts: 'allow', failsafes: 'allow', nodePorts: 'allow', vips: 'allow', insideHost: 'allow', insideNodePort: 'allow' }],
  [
    'HEP, no policy at all',
    { ...bare, hostEndpoints },
    { hostPorts: 'deny', failsafes: 'allow', nodePorts: 'allow', vips: 'allow', insideHost: 'deny' },
  ],
  [
    'policies, no HEP',
    { ...bare, policies },
    { hostPorts: 'allow', failsafes: 'allow', nodePorts: 'allow', vips: 'allow', insideHost: 'allow', insideNodePort: 'allow' },
  ],
  [
    'policies and HEPs',
    { ...bare, policies, hostEndpoints },
    { hostPorts: 'deny', failsafes: 'allow', nodePorts: 'deny', vips: 'allow', insideHost: 'allow', insideNodePort: 'allow' },
  ],
] as const

const columns = {
  hostPorts: { to: 'nodes', ports: [10250, 9100, 31999], from: 'outside' },
  failsafes: { to: 'nodes', ports: [22, 6443], from: 'outside' },
  nodePorts: { to: 'nodes', ports: [31110, 31852], from: 'outside' },
  vips: { to: 'vip', ports: [80, 443], from: 'outside' },
  insideHost: { to: 'nodes', ports: [10250, 9100, 31999], from: 'inside' },
  insideNodePort: { to: 'nodes', ports: [31110, 31852], from: 'inside' },
} as const

const nodes = [at.control1, at.ws1, at.ws2]
const outside = [at.windowsClient, at.outsider, at.operator]

/** Senders inside that do not sit on the destination node: what a node sends to itself never meets a HostEndpoint. */
const inside = (destination: Address) => nodes.flatMap((node, index) => (node === destination ? [] : [node, podOf(index)]))

describe.each(states)('the tutorial’s claims: %s', (_, world, expected) => {
  const verdict = createVerdicts(world)
  for (const [name, { to, ports, from }] of Object.entries(columns)) {
    const targets = to === 'vip' ? [at.ingressVip] : nodes
    const wanted = (expected as Partial<Record<string, string>>)[name]
    if (wanted === undefined) continue
    const connections = targets.flatMap((destination) =>
      (from === 'outside' ? outside : inside(destination)).flatMap((source) =>
        ports.map((port) => ({ source, destination, port, protocol: 'TCP' as const })),
      ),
    )
    it.each(connections.map((connection) => [`${name}: ${connection.source} -> ${connection.destination}:${connection.port}`, connection] as const))(
      '%s',
      (_title, connection) => {
        const found = verdict(connection)
        expect(found.action, JSON.stringify(found.decisions)).toBe(wanted)
      },
    )
  }
})

describe('a HostEndpoint without policy and profile', () => {
  it('cuts its node off from everything but failsafes, while pods pass through it', () => {
    const verdict = createVerdicts({ ...bare, hostEndpoints })
    const nodePort = { destination: at.ws2, port: 31110, protocol: 'TCP' } as const
    expect(verdict({ ...nodePort, source: at.ws1 }).action).toBe('deny')
    expect(verdict({ ...nodePort, source: podOf(1) }).action).toBe('allow')
    expect(verdict({ source: at.ws1, destination: at.control1, port: 6443, protocol: 'TCP' }).action).toBe('allow')
  })
})

describe('the API VIP', () => {
  const to = (world: typeof bare) => createVerdicts(world)({ source: at.outsider, destination: at.apiVip, port: 7443, protocol: 'TCP' }).action
  it('is open by allow-rules and closed by bare HostEndpoints, for it is a host port', () => {
    expect(to({ ...bare, policies, hostEndpoints })).toBe('allow')
    expect(to({ ...bare, hostEndpoints })).toBe('deny')
  })
})
