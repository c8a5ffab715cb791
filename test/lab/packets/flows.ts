import type { Lab } from '../lab.ts'
import type { Packet, Seen } from './table.ts'

/** Opens one flow per TCP packet, which stays; the function that is returned tells which of them still carry a word and its echo. */
export const holdFlows = async (lab: Lab, packets: readonly Packet[]): Promise<() => Promise<Seen[]>> => {
  const flows = await Promise.all(
    packets.flatMap((packet) => {
      const { from, target } = packet
      return target.protocol === 'tcp'
        ? [
            lab
              .agent(from)
              .hold(target.host, target.port)
              .then((flow) => ({ packet, flow })),
          ]
        : []
    }),
  )
  return () => Promise.all(flows.map(async ({ packet, flow }) => ({ ...packet, answer: await lab.agent(packet.from).held(flow) })))
}
