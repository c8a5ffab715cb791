import type { Facts, NodeFacts } from '../../src/firewall/facts/facts.ts'
import { parseAddress } from '../../src/net/address.ts'
import { homeFacts } from '../fixtures/home-facts.ts'

/** The home cluster with other nodes: workers w000, w001 ... and control-plane nodes cp000 ... */
export const manyNodes = (workers: number, controls: number): Facts => {
  const facts = homeFacts()
  const [template] = facts.nodes
  if (template === undefined) throw new Error('no node')
  const make = (kind: string, count: number, octet: number): NodeFacts[] =>
    Array.from({ length: count }, (_, at) => {
      const address = parseAddress(`10.${octet + 8}.${(at + 1) >> 8}.${(at + 1) & 255}`)
      const { calicoNode: _pod, ...rest } = template
      return {
        ...rest,
        name: `${kind}${String(at).padStart(3, '0')}`,
        controlPlane: kind === 'cp',
        addresses: [{ type: 'InternalIP', address }],
        interfaces: [{ name: 'ens160', addresses: [address], source: 'x' }],
      }
    })
  return { ...facts, nodes: [...make('cp', controls, 1), ...make('w', workers, 2)] }
}
