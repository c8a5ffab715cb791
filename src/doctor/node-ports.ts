import { type Check, some, warning } from './check.ts'
import { openingOf } from './opening.ts'

/** Doors that Services open on every node. */
export const nodePortChecks: readonly Check[] = [
  {
    id: 'FW-D601',
    category: 'NodePorts',
    title: 'no load balancer relies on health-check ports this firewall closes',
    look: (facts) =>
      facts.services.flatMap(({ namespace, name, healthCheckNodePort }) =>
        healthCheckNodePort === undefined
          ? []
          : [
              warning(
                `Service ${namespace}/${name} is watched on ${healthCheckNodePort}/tcp of every node (calico#10748)`,
                openingOf(facts, 'open', `${healthCheckNodePort}/tcp@BALANCER-CIDR`),
              ),
            ],
      ),
  },
  {
    id: 'FW-D602',
    category: 'NodePorts',
    title: 'NodePorts lie in the cluster’s own range',
    look: ({ services, kubeProxy: { nodePortRange } }) => {
      const outside = services.flatMap(({ namespace, name, ports }) =>
        ports.flatMap(({ nodePort }) =>
          nodePort === undefined || (nodePort >= nodePortRange.first && nodePort <= nodePortRange.last) ? [] : [`${namespace}/${name} ${nodePort}`],
        ),
      )
      return outside.length === 0
        ? []
        : [
            warning(
              `${some(outside)} ${outside.length === 1 ? 'lies' : 'lie'} outside ${nodePortRange.first}-${nodePortRange.last}: the range was changed, or is not what kube-apiserver’s arguments say`,
              'kubectl get pod -n kube-system -l component=kube-apiserver -o yaml',
            ),
          ]
    },
  },
  {
    id: 'FW-D603',
    category: 'NodePorts',
    title: 'no Service takes a node’s own address as external IP',
    look: ({ services, nodes }) => {
      const own = new Set(nodes.flatMap(({ addresses }) => addresses.map(({ address }) => address)))
      return services
        .filter(({ externalIPs }) => externalIPs.some((address) => own.has(address)))
        .map(({ namespace, name }) =>
          warning(
            `Service ${namespace}/${name} has a node’s address among its externalIPs: its ports are doors of that node`,
            `kubectl edit service -n ${namespace} ${name}`,
          ),
        )
    },
  },
  {
    id: 'FW-D604',
    category: 'NodePorts',
    title: 'no host port stands in the way of this firewall unseen',
    look: (facts) => {
      const { hostPorts = [] } = facts
      return hostPorts.length === 0
        ? []
        : [
            warning(
              `${some([...new Set(hostPorts.map(({ hostPort, protocol }) => `${hostPort}/${protocol.toLowerCase()}`))])} are published by pods on their nodes, and close with them`,
              openingOf(facts, 'open', `${hostPorts[0]?.hostPort}/${hostPorts[0]?.protocol.toLowerCase()}`),
            ),
          ]
    },
  },
]
