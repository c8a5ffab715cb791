import { hintBackend } from './cluster/nodes.ts'
import { kubeletLeaf, makeLeaf } from './cluster/pki.ts'
import { joinCluster } from './join.ts'
import { type Lab, labOf, writeRecord } from './lab.ts'
import type { NodeHost } from './layout.ts'
import { kill, unplug } from './machine/failures.ts'
import { ip } from './machine/namespaces.ts'
import { routePods } from './machine/network.ts'
import { inParallel, run } from './machine/run.ts'
import { inSandbox } from './machine/sandbox.ts'

/** Everything of Kubernetes that runs on a worker. */
const programsOf = (name: string): string[] => [`kubelet-${name}`, `kube-proxy-${name}`, `felix-${name}`]

/** What a boot starts without: packet rules, sets, and the kernel's memory of connections. */
const forget = `
for family in iptables ip6tables; do for table in raw mangle nat filter; do $family -w -t $table -F; $family -w -t $table -X; done; done
nft flush ruleset
ipset destroy
conntrack -F 2>/dev/null || true
`

/** Takes a worker's power away: its programs end where they stand and its cable is dead. Its pods' processes stay, for nobody reaches them. */
export const powerOff = async (lab: Lab, name: string): Promise<void> => {
  await unplug(lab, name)
  await inParallel(3, programsOf(name), (program) => kill(lab, program))
}

/** Boots a worker that was off. */
export const powerOn = async (lab: Lab, name: string): Promise<void> => {
  const sandbox = lab.sandbox(name)
  await run(inSandbox(sandbox, ['bash', '-c', forget]))
  await hintBackend(sandbox)
  await ip(lab.layout.switch, [`link set v-${name} up`])
  await joinCluster(lab, lab.node(name))
}

/** Gives a worker another address while it is dark, as a DHCP server may; the lab that is returned knows it by that. */
export const readdress = async (lab: Lab, name: string, address: string): Promise<Lab> => {
  const { state, variant, layout, binaries } = lab
  const before = lab.node(name)
  const after: NodeHost = { ...before, address }
  const nodes = layout.nodes.map((node) => (node.name === name ? after : node))
  const record = { variant, binaries, layout: { ...layout, nodes } }
  writeRecord(state, record)
  await makeLeaf(state, kubeletLeaf(after))
  await ip(before.namespace, [
    `addr del ${before.address}/24 dev ${before.nic}`,
    `addr add ${address}/24 dev ${before.nic}`,
    `route replace default via ${layout.router.lan}`,
  ])
  await inParallel(4, nodes, (node) => routePods(node, nodes))
  return labOf(state, record)
}
