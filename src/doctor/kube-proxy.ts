import { type Check, error, some, warning } from './check.ts'

/** Who else programs the nodes’ packet filters. */
export const kubeProxyChecks: readonly Check[] = [
  {
    id: 'FW-D701',
    category: 'kube-proxy',
    title: 'how Services are translated is known',
    look: ({ kubeProxy: { mode, source }, calico: { dataplane } }) => {
      if (mode === 'unknown')
        return [warning('neither a ConfigMap nor a pod of kube-proxy tells its mode', 'kubectl get configmap kube-proxy -n kube-system -o yaml')]
      return mode === 'none' && dataplane !== 'bpf'
        ? [warning(`no kube-proxy (${source}), and Felix does not run eBPF: somebody else translates Services`, 'kubectl get daemonsets -A')]
        : []
    },
  },
  {
    id: 'FW-D702',
    category: 'kube-proxy',
    title: 'kube-proxy does not run IPVS',
    look: ({ kubeProxy: { mode }, calico: { version } }) => {
      if (mode !== 'ipvs') return []
      const old = /^v?3\.(\d+)/.exec(version ?? '')?.[1]
      const collision = old !== undefined && Number(old) < 32 ? '; three HostEndpoints on a node collide before Calico 3.32 (calico#11541)' : ''
      return [
        warning(
          `it does: NodePorts and VIPs were seen open or dead behind HostEndpoints there (calico#8109, #2617)${collision}`,
          'try one worker first and look: kubectl calico-fw init --interface NODE=NAME',
        ),
      ]
    },
  },
  {
    id: 'FW-D703',
    category: 'kube-proxy',
    title: 'IPVS keeps connections in conntrack',
    look: ({ kubeProxy: { mode }, nodes }) => {
      if (mode !== 'ipvs') return []
      const off = nodes
        .filter(({ inspected }) => inspected !== undefined && inspected.sysctls['net.ipv4.vs.conntrack'] !== '1')
        .map(({ name }) => name)
      return off.length === 0
        ? []
        : [
            error(
              `net.ipv4.vs.conntrack is not 1 on ${some(off)}: a VIP dies once a HostEndpoint is there (calico#5747)`,
              'on those nodes: sysctl -w net.ipv4.vs.conntrack=1',
            ),
          ]
    },
  },
  {
    id: 'FW-D704',
    category: 'kube-proxy',
    title: 'Calico and kube-proxy use one and the same backend on each node',
    look: ({ nodes }) =>
      nodes.flatMap(({ name, inspected }) => {
        if (inspected === undefined) return []
        const { calico, kubeProxy } = inspected.backends
        // iptables-nft and nftables are one machine in the kernel, and were measured side by side; legacy is another.
        const isMixed = new Set([...calico, ...kubeProxy].map((backend) => backend === 'iptables-legacy')).size > 1 || calico.length > 1
        return !isMixed
          ? []
          : [
              warning(
                `${name}: Calico in ${calico.join(' and ') || 'none'}, kube-proxy in ${kubeProxy.join(' and ') || 'none'}: mixes broke Services or left stale rules (calico#8025, #2322, #5482)`,
                'set FelixConfiguration iptablesBackend or nftablesMode to kube-proxy’s, then restart the node',
              ),
            ]
      }),
  },
]
