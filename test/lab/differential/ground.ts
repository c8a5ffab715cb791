import type { LabObject } from '../cluster/api.ts'
import type { Lab } from '../lab.ts'
import { type Host, vantages } from '../layout.ts'
import { inNamespace, ip, sysctl } from '../machine/namespaces.ts'
import { addAddresses } from '../machine/network.ts'
import { inParallel, run } from '../machine/run.ts'
import { tenantNamespace } from './arbitrary-objects.ts'
import { sentinelInterface } from './sentinels.ts'
import { nodePorts, type Terrain, tcpPorts, udpPorts } from './terrain.ts'

/** Makes a lab ready for random objects: a listener on every port, addresses for Services, the sentinels' interface, a client with routes into the cluster. */
export const prepareGround = async (lab: Lab, { held, nodes }: Terrain): Promise<void> => {
  const namespace: LabObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: tenantNamespace } }
  await lab.api.apply(namespace)
  for (const node of nodes) {
    await ip(node.namespace, [`link add ${sentinelInterface} type veth peer name sent1`, `link set ${sentinelInterface} up`, 'link set sent1 up'])
    const own = held.filter((one) => one.node === node.name).map(({ address }) => address)
    // The first node's are there: the lab gave it the VIPs.
    if (!node.controlPlane) await addAddresses(node, own)
  }
  const client = lab.layout.neighbours.find(({ name }) => name === 'win')
  const gateway = nodes.find(({ controlPlane }) => !controlPlane)
  if (client !== undefined && gateway !== undefined)
    for (const net of [lab.layout.podCidr, lab.layout.serviceCidr])
      await run(inNamespace(client.namespace, ['ip', 'route', 'replace', net, 'via', gateway.address]))
  // A client that is told of a shorter way would leave the one the test is about.
  await inParallel(4, vantages(lab.layout), (host) =>
    sysctl(host.namespace, { 'net.ipv4.conf.all.send_redirects': 0, [`net.ipv4.conf.${host.nic}.send_redirects`]: 0 }),
  )
  // Each refusal of a datagram must show, however many there are.
  await inParallel(4, vantages(lab.layout), (host) => sysctl(host.namespace, { 'net.ipv4.icmp_ratelimit': 0 }))
  await inParallel(4, vantages(lab.layout), (host) =>
    listenEverywhere(
      lab,
      host,
      held.filter(({ node }) => node === host.name).map(({ address }) => address),
    ),
  )
}

/** UDP is answered from the address it was asked at, so every address has its own socket there. A port that something else serves already is as good. */
const listenEverywhere = async (lab: Lab, host: Host, more: readonly string[]): Promise<void> => {
  const agent = lab.agent(host.name)
  const isTaken = (error: unknown) => error instanceof Error && error.message.includes('EADDRINUSE')
  const listen = (protocol: 'tcp' | 'udp', port: number, at?: string) =>
    agent.listen(protocol, port, at).then(
      () => true,
      (error: unknown) => {
        if (isTaken(error)) return false
        throw error
      },
    )
  const isNode = lab.layout.nodes.some(({ name }) => name === host.name)
  for (const port of [...tcpPorts, ...(isNode ? nodePorts : [])]) if (!(await listen('tcp', port))) await listen('tcp', port, host.address)
  for (const port of [...udpPorts, ...(isNode ? nodePorts : [])]) for (const address of [host.address, ...more]) await listen('udp', port, address)
}
