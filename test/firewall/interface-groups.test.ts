import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firewallOf } from '../../src/commands/firewall-flags.ts'
import type { Facts, NodeFacts } from '../../src/firewall/facts/facts.ts'
import { interfaceGroups, selectorOf } from '../../src/firewall/facts/interface-groups.ts'
import { matchesLabels } from '../../src/firewall/file/label-selector.ts'
import { selectInterfaces } from '../../src/firewall/plan/selection.ts'
import { questionsFor } from '../../src/ui/questions.ts'
import { homeFacts } from '../fixtures/home-facts.ts'

const [home] = homeFacts().nodes
const node = (at: number, names: readonly string[], labels: Readonly<Record<string, string>> = {}): NodeFacts => ({
  ...(home as NodeFacts),
  name: `n${at}`,
  labels: { 'kubernetes.io/hostname': `n${at}`, 'kubernetes.io/os': 'linux', ...labels },
  interfaces: names.map((name) => ({ name, addresses: home?.addresses.map(({ address }) => address) ?? [], source: 'annotation' })),
})
const facts = (nodes: readonly NodeFacts[]): Facts => ({ ...homeFacts(), nodes })
const chosen = (nodes: readonly NodeFacts[], interfaces: readonly string[]) => {
  const { interfaces: found, unmatched } = selectInterfaces(nodes, firewallOf({ interfaces }, facts(nodes), 'home').spec.interfaces)
  return { found: found.map((one) => `${one.node.name} ${one.interfaceName}`), unmatched: unmatched.map(({ name }) => name) }
}

describe('one name for every node that has it', () => {
  it('nodes with other names are closed by theirs; nodes with neither stay open and are named', () => {
    const nodes = [node(1, ['eth0', 'eth1']), node(2, ['ens160']), node(3, ['eth0']), node(4, ['enp1s0'])]
    expect(chosen(nodes, ['eth0', 'ens160'])).toEqual({ found: ['n1 eth0', 'n2 ens160', 'n3 eth0'], unmatched: ['n4'] })
  })

  it('a name no node has is refused before anything is written', () => {
    const nodes = [node(1, ['eth0']), node(2, ['ens160'])]
    expect(() => chosen(nodes, ['eth0', 'ens16o'])).toThrow('has no interface "ens16o"')
    expect(() => chosen(nodes, ['n1=ens160'])).toThrow('has no interface "ens160"')
  })

  it('a node whose interfaces nobody knows may have any', () => {
    expect(chosen([node(1, ['eth0']), node(2, [])], ['eth0']).found).toEqual(['n1 eth0', 'n2 eth0'])
  })

  it('a group is told by a label it alone carries, else by its names', () => {
    const pool = (name: string) => ({ pool: name })
    const nodes = [node(1, ['eth0'], pool('a')), node(2, ['eth0'], pool('a')), node(3, ['ens160'], pool('b'))]
    const [first, second] = interfaceGroups(['eth0', 'ens160'], nodes)
    expect(selectorOf(first?.nodes ?? [], nodes)).toEqual({ matchLabels: { pool: 'a' } })
    expect(selectorOf(second?.nodes ?? [], nodes)).toEqual({ matchLabels: { pool: 'b' } })
    expect(selectorOf(nodes, nodes)).toEqual({})
    const bare = [node(1, ['eth0']), node(2, ['eth0']), node(3, ['ens160'])]
    expect(selectorOf(bare.slice(0, 2), bare)).toEqual({
      matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n1', 'n2'] }],
    })
  })

  it('a selector holds for its group and for nobody else, whatever the labels', () => {
    const some = fc.record({
      names: fc.subarray(['eth0', 'ens160', 'br0']),
      labels: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2')),
    })
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 8 }), (drawn) => {
        const nodes = drawn.map(({ names, labels }, at) => node(at, names, labels))
        return interfaceGroups(['eth0', 'ens160', 'br0'], nodes).every((group) => {
          const selector = selectorOf(group.nodes, nodes)
          return nodes.every((one) => matchesLabels(selector, one.labels) === group.nodes.includes(one))
        })
      }),
    )
  })

  it('is one answer of one question, for fifteen hundred nodes of three kinds', () => {
    const nodes = Array.from({ length: 1_500 }, (_, at) => node(at, [`eth${at % 3}`]))
    const [interfaces] = questionsFor(facts(nodes))
    expect(interfaces?.offers.map(({ value, name }) => [value, name])).toEqual([
      ['eth0', 'eth0 on 500 nodes (n0, n3, n6 ...), by annotation'],
      ['eth1', 'eth1 on 500 nodes (n1, n4, n7 ...), by annotation'],
      ['eth2', 'eth2 on 500 nodes (n2, n5, n8 ...), by annotation'],
    ])
    expect(chosen(nodes, ['eth0', 'eth1', 'eth2']).found).toHaveLength(1_500)
  })
})
