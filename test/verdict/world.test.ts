import { describe, expect, it } from 'vitest'
import { parseCidr } from '../../src/net/cidr.ts'
import { worldOf } from '../../src/verdict/world.ts'
import { homeAddresses as at, homeFacts, nodeName } from '../fixtures/home-facts.ts'

const facts = homeFacts()
const standingIn = (network: string) => ({ ...facts, nodes: facts.nodes.map((node) => ({ ...node, networks: [parseCidr(network)] })) })

describe('the API VIP', () => {
  const floating = [{ address: at.apiVip, nodes: [nodeName('control1')] }]
  it('floats over the control-plane nodes', () => {
    expect(worldOf(facts).floating).toEqual(floating)
    expect(worldOf(standingIn('192.168.218.0/24')).floating).toEqual(floating)
  })
  it('is nobody’s where no control-plane node is seen, or none stands in its network', () => {
    expect(worldOf({ ...facts, nodes: facts.nodes.map((node) => ({ ...node, controlPlane: false })) }).floating).toEqual([])
    expect(worldOf(standingIn('10.0.0.0/24')).floating).toEqual([])
  })
  it('is no floating address where it is a node’s own', () => {
    const owned = { ...facts, apiEndpoints: facts.apiEndpoints.map((endpoint) => ({ ...endpoint, node: nodeName('control1') })) }
    expect(worldOf(owned).floating).toEqual([])
  })
})
