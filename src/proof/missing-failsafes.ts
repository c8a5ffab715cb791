import { failsafeAccepts, followsDefault } from '../calico/failsafes.ts'
import { standsWithNodes } from '../firewall/facts/api-places.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import type { HostFirewall } from '../firewall/file/host-firewall.ts'
import { isNarrowed } from '../firewall/plan/narrowed-failsafes.ts'
import type { Address } from '../net/address.ts'
import type { World } from '../verdict/model.ts'
import type { ProofRefusal } from './life-line.ts'

/**
 * Felix needs a fresh connection whenever its balancer or the API server restarts: closed out, it keeps its rules and hears of no opening any
 * more. Its ports, and those of API endpoints that stand with the nodes, must be effective inbound failsafes on the nodes that hold them and have a HostEndpoint:
 * for everyone, or where the file narrows them for every node at least.
 */
export const missingFailsafes = (
  facts: Facts,
  { hostEndpoints, failsafes: lists }: Pick<World, 'hostEndpoints' | 'failsafes'>,
  firewall: HostFirewall,
): ProofRefusal[] => {
  const nodes = facts.nodes.flatMap(({ addresses }) => addresses.map((one) => one.address))
  const protectedNodes = new Set(hostEndpoints.map(({ spec }) => spec.node))
  const controlPlane = facts.nodes.filter((node) => node.controlPlane).map(({ name }) => name)
  const peers = new Map(
    [...facts.apiEndpoints, ...facts.felixPeers].filter(standsWithNodes(facts)).map((peer) => [`${peer.address}:${peer.port}`, peer]),
  )
  return [...peers].flatMap(([where, { address, port, node }]) =>
    (node === undefined ? controlPlane : [node])
      .filter((name) => protectedNodes.has(name))
      .flatMap((name) => {
        const inbound = lists[name]?.inbound
        const open = inbound?.ports.filter(({ net }) => !net) ?? []
        if (failsafeAccepts(open, 'TCP', port, address)) return []
        const lets = (from: Address): boolean => failsafeAccepts(inbound?.ports ?? [], 'TCP', port, from)
        if (isNarrowed(firewall, { protocol: 'TCP', port }) && nodes.every(lets)) return []
        const source = inbound?.source
        const isOurs = source === undefined || followsDefault(source)
        const holder =
          source?.kind === 'environment'
            ? `environment variable ${source.variable} of calico-node`
            : `FelixConfiguration ${source?.kind === 'felixconfiguration' ? source.name : 'default'}`
        return [
          {
            flow: `Felix, Typha and API clients -> ${where}`,
            state: 'before anything closes',
            rule: `${port}/tcp is no inbound failsafe for everyone on ${name}: ${holder} decides there`,
            why: 'a Felix that cannot reconnect keeps the node closed after the gate has opened',
            remedy: isOurs
              ? `add {protocol: TCP, port: ${port}} to spec.extraFailsafePorts.inbound`
              : `add ${port}/tcp, without a net, to the inbound failsafes in ${holder}`,
          },
        ]
      }),
  )
}
