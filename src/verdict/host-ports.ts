import type { HostPortFacts } from '../firewall/facts/facts.ts'
import { type Family, familyOf } from '../net/address.ts'
import { protocolNumber } from './packet.ts'

/** The pod a port of a node leads to, for packets of a family. */
export type HostPorts = (node: string, protocol: number, port: number, family: Family) => HostPortFacts | undefined

/** Indexes what pods publish on their nodes. */
export const createHostPorts = (published: readonly HostPortFacts[]): HostPorts => {
  const byPort = new Map<number, HostPortFacts[]>()
  for (const one of published) byPort.set(keyOf(one), [...(byPort.get(keyOf(one)) ?? []), one])
  return (node, protocol, port, family) => byPort.get(protocol * 65536 + port)?.find((one) => one.node === node && familyOf(one.pod) === family)
}

const keyOf = ({ protocol, hostPort }: HostPortFacts): number => (protocolNumber(protocol) ?? 0) * 65536 + hostPort
