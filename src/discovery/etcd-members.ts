import type { EtcdFacts } from '../firewall/facts/components.ts'
import type { NodeFacts } from '../firewall/facts/facts.ts'
import { addressesOf } from '../firewall/objects/network-sets.ts'
import { podFlag } from './control-plane.ts'
import type { PodObject } from './kube-objects.ts'
import { addressIn, hostPortIn, isDistinct } from './loose-text.ts'

/**
 * Members of etcd: where its own pods listen, and what API servers are told (`--etcd-servers`), which alone names members outside the cluster. Undefined
 * where neither tells, as with an embedded one.
 */
export const etcdOf = (etcdPods: readonly PodObject[], apiServers: readonly PodObject[], nodes: readonly NodeFacts[]): EtcdFacts | undefined => {
  const owners = new Map(nodes.flatMap((node) => addressesOf(node).map((address) => [address, node.name] as const)))
  const urls = (pods: readonly PodObject[], ...flags: readonly string[]) =>
    pods.flatMap((pod) => flags.flatMap((flag) => (podFlag(pod, flag) ?? '').split(',').flatMap((url) => hostPortIn(url, 0) ?? [])))
  const clients = [...urls(etcdPods, 'listen-client-urls', 'advertise-client-urls'), ...urls(apiServers, 'etcd-servers')]
  const members = new Map(
    clients.flatMap(({ host, port }) => {
      const address = addressIn(host)
      if (address === undefined || !isDistinct(address) || port === 0) return []
      const node = owners.get(address)
      return [[`${address} ${port}`, { address, port, ...(node === undefined ? {} : { node }) }] as const]
    }),
  )
  if (members.size === 0) return undefined
  const peerPorts = [...new Set(urls(etcdPods, 'listen-peer-urls').map(({ port }) => port))].filter((port) => port !== 0)
  const source = etcdPods.length > 0 ? `pods of etcd in kube-system` : 'kube-apiserver --etcd-servers'
  return { members: [...members.values()], peerPorts, source }
}
