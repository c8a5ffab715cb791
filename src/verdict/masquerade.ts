import type { CompiledNode } from './node.ts'
import type { Packet } from './packet.ts'

/** Whether the next host sees another sender. */
export type Masquerade = 'yes' | 'no' | 'maybe'

/** What the next host may see of a packet: masqueraded it comes from the node's address, and from a port picked at random (`--random-fully`). */
export const seenBy = (node: CompiledNode, packet: Packet, masquerade: Masquerade): readonly Packet[] => {
  const own = node.primary[packet.source.family]
  if (masquerade === 'no' || own === undefined) return [packet]
  const masked: Packet = { ...packet, source: own, sourcePort: undefined }
  return masquerade === 'yes' ? [masked] : [masked, packet]
}
