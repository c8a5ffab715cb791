import { expect, it } from 'vitest'
import { nodeNamed } from '../../src/firewall/facts/node-named.ts'

const nodes = ['ws1.kryukov.local', 'ws2.kryukov.local', 'ws2.other.local', 'ws2'].map((name) => ({ name }))

it.each([
  ['ws1', 'ws1.kryukov.local'],
  ['ws1.kryukov.local', 'ws1.kryukov.local'],
  ['ws2', 'ws2'],
  ['ws3', undefined],
])('%s is %s', (text, name) => {
  expect(nodeNamed(text, nodes)?.name).toBe(name)
})

it('is nobody where two nodes have the short name', () => {
  expect(nodeNamed('ws2', nodes.slice(0, 3))).toBeUndefined()
})
