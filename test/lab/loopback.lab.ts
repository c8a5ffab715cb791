import type { GlobalNetworkPolicy } from '../../src/calico/shapes.ts'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { spreads } from './cells.ts'
import { homeFirewall, networkSetsOf, remove, servicesWithNodes, write } from './firewall.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { all, tcp } from './packets/expect.ts'
import { sendLoopbackTo } from './packets/loopback-route.ts'
import { recorder } from './record.ts'
import { tutorialHostEndpoints, tutorialPolicies } from './tutorial.ts'

/** A service on localhost, and one on a port that is a failsafe: etcd's. */
const [service, failsafe] = [10_257, 2_379]

const listeners = async (lab: Lab, verb: 'listen' | 'close'): Promise<void> => {
  for (const port of [service, failsafe]) await lab.agent('ws1')[verb]('tcp', port, '127.0.0.1')
}

/** Localhost services of a node, dialled from the LAN with destination 127.0.0.1: what CVE-2020-8558 is about. */
export const tests: readonly LabTest[] = [
  {
    name: "localhost services dialled from the LAN: kube-proxy's guard, and who steps over it",
    needs: ['felix'],
    sampled: spreads.third,
    run: async (lab, tell) => {
      const { see, write: keep } = recorder(lab, 'loopback')
      const via = lab.node('ws1').fqdn
      const [toService, toFailsafe] = [tcp('win', '127.0.0.1', service), tcp('win', '127.0.0.1', failsafe)]
      // kube-proxy in iptables mode sets it itself, and so do CNI's portmap plugin and people; nftables mode does not.
      const before = (await lab.exec('ws1', ['sysctl', '-n', 'net.ipv4.conf.all.route_localnet'])).stdout.trim()
      tell(`route_localnet on ws1 as kube-proxy leaves it: ${before}`)
      await lab.exec('ws1', ['sysctl', '-qw', 'net.ipv4.conf.all.route_localnet=1'])
      await listeners(lab, 'listen')
      const back = await sendLoopbackTo(lab, 'win', 'ws1')
      try {
        const seen = async (state: string, packets = [toService, toFailsafe]) => {
          const answers = await lab.agent('win').probe(packets.map(({ target }) => target))
          tell(`${state}: 127.0.0.1:${service} ${answers[0]}, 127.0.0.1:${failsafe} (a failsafe) ${answers[1]}`)
        }
        await seen('no HostEndpoint')
        const tutorial = { hostEndpoints: tutorialHostEndpoints(lab.layout, lab.variant), policies: tutorialPolicies(lab.layout, lab.variant) }
        await write(lab, ...tutorial.policies, ...tutorial.hostEndpoints)
        await see("the tutorial's policies", tutorial, all([toService, toFailsafe], 'OPEN'), via)
        await remove(lab, ...tutorial.policies, ...tutorial.hostEndpoints)

        const firewall = homeFirewall(lab)
        const hostEndpoints = firewall.hostEndpoints(1)
        await write(lab, ...firewall.sets, ...hostEndpoints)
        const networkSets = networkSetsOf(firewall.sets)
        const services = servicesWithNodes(lab)
        await new Promise((resolve) => setTimeout(resolve, 2000))
        await seen('a HostEndpoint alone')
        const policies: GlobalNetworkPolicy[] = [...firewall.policies, denyPolicy([1])]
        await write(lab, ...policies)
        await see(
          "the product's firewall",
          { hostEndpoints, policies, networkSets, services }, // Failsafes come before any policy and know no destination: a failsafe port's localhost service stays within the LAN's reach.
          [
            [toService, 'TIMEOUT'],
            [toFailsafe, 'OPEN'],
          ],
          via,
        )
        await seen("the product's firewall")
        await keep()
      } finally {
        await back()
        await listeners(lab, 'close')
        await lab.exec('ws1', ['sysctl', '-qw', `net.ipv4.conf.all.route_localnet=${before}`])
      }
    },
  },
]
