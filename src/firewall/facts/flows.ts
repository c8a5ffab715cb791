import type { Address } from '../../net/address.ts'

/** One connection a node has seen, as its first packet was. */
export interface Flow {
  readonly node: string
  readonly source: Address
  readonly destination: Address
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly sourcePort: number
  readonly port: number
}

/** The key that tells connections apart. */
export const flowKey = ({ node, source, destination, protocol, sourcePort, port }: Flow): string =>
  `${node} ${protocol} ${source} ${sourcePort} ${destination} ${port}`
