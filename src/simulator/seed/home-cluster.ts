import type { KubeObject } from '../../calico/object.ts'
import type { Flavour, ProxyMode } from '../../firewall/facts/facts.ts'
import { calicoNodeEnv, calicoObjects } from './calico-seed.ts'
import { homeAddresses, type Machine, machines } from './machines.ts'
import { app1Pod, calicoNodePod, controlPlanePods, nodeObject } from './node-objects.ts'
import { serviceObjects } from './service-objects.ts'
import { balancerObjects, systemObjects } from './system-objects.ts'

/** How the home cluster is built. */
export interface HomeClusterOptions {
  /** 3 to 5 nodes, control1 among them; default 5. */
  readonly nodes?: 3 | 4 | 5
  /** Default native. */
  readonly flavour?: Flavour
  /** Default iptables. */
  readonly proxyMode?: ProxyMode
  /** The nodes' agents reach the API through a load balancer of its own, outside the cluster, at .188:6443. */
  readonly balancer?: boolean
}

/** What a cluster starts from. */
export interface Seed {
  readonly flavour: Flavour
  readonly proxyMode: ProxyMode
  readonly machines: readonly Machine[]
  /** Address of the balancer between the nodes' agents and the API. */
  readonly balancer?: string
  /** In the order in which they are created; `time` is RFC 3339. */
  readonly objects: (time: string) => readonly KubeObject[]
}

/** The tutorial's cluster: control1 .171 and ws1 to ws4 .174 to .177 on ens160, ingress VIP .180, API VIP .189:7443, NodePorts 31110 and 31852. */
export const homeCluster = ({ nodes = 5, flavour = 'native', proxyMode = 'iptables', balancer = false }: HomeClusterOptions = {}): Seed => {
  const all = machines(nodes)
  return {
    ...{ flavour, proxyMode, machines: all },
    ...(balancer ? { balancer: homeAddresses.balancer } : {}),
    objects: (time) => [
      ...systemObjects(proxyMode),
      ...all.map((machine) => nodeObject(machine, time)),
      ...calicoObjects(flavour, nodes),
      ...all.map((machine) => calicoNodePod(machine, calicoNodeEnv(flavour), time)),
      ...all.filter(({ controlPlane }) => controlPlane).flatMap((machine) => controlPlanePods(machine, time)),
      ...all.map((machine) => app1Pod(machine, time)),
      ...serviceObjects(all),
      ...(balancer ? balancerObjects : []),
    ],
  }
}
