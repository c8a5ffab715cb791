import type { EtcdFacts } from '../firewall/facts/components.ts'
import { type Address, familyOf } from '../net/address.ts'
import type { Cast } from './cast.ts'
import { internal, type LifeLine, meet, trustNodes } from './life-line.ts'

type Member = EtcdFacts['members'][number]

/** The API server to every member discovery found, wherever it is, and members to each other; without any, control-plane nodes are asked about. */
export const etcdLifeLines = ({ facts }: Cast): LifeLine[] => {
  const { members = [], peerPorts = [] } = facts.components?.etcd ?? {}
  const servers = facts.nodes.filter(({ controlPlane }) => controlPlane)
  return members.flatMap((member) => [
    ...servers.flatMap((server) =>
      meet(internal(server), [member.address]).map(([source]) =>
        line(`API server on ${server.name}`, source, member, member.port, 'etcd', 'the API server keeps everything there'),
      ),
    ),
    ...members
      .filter(({ address }) => address !== member.address && familyOf(address) === familyOf(member.address))
      .flatMap(({ address, node }) =>
        peerPorts.map((port) => line(`etcd on ${node ?? address}`, address, member, port, 'etcd’s peer', 'without its peers etcd loses its quorum')),
      ),
  ])
}

const line = (from: string, source: Address, { address }: Member, port: number, what: string, why: string): LifeLine => ({
  title: `${from} -> ${what} at ${address}:${port}`,
  connection: { source, destination: address, protocol: 'TCP', port },
  ...{ why, remedy: trustNodes, nodes: [] },
})
