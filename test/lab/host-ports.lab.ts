import assert from 'node:assert/strict'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { parseAddress } from '../../src/net/address.ts'
import { spreads } from './cells.ts'
import { homeFirewall, networkSetsOf, servicesWithNodes, write } from './firewall.ts'
import type { LabTest } from './lab-test.ts'
import { until } from './machine/run.ts'
import { all, tcp } from './packets/expect.ts'
import { recorder } from './record.ts'

const hostPort = 8088
const healthPort = 32_099

/** Ports of a node that lead elsewhere: a pod's hostPort as CNI's portmap plugin makes it, and the health check of a LoadBalancer with policy Local. */
export const tests: readonly LabTest[] = [
  {
    name: 'hostPorts and healthCheckNodePorts: open behind a HostEndpoint alone or not, closed by the firewall, open to nodes',
    needs: ['felix'],
    sampled: spreads.second,
    run: async (lab, tell) => {
      const { see, write: keep } = recorder(lab, 'host-ports')
      const ws1 = lab.node('ws1')
      const pod = lab.layout.pods.find(({ node }) => node === 'ws1')
      if (pod === undefined) throw new Error('ws1 has no pod')
      const rule = `-p tcp --dport ${hostPort} -m addrtype --dst-type LOCAL -j DNAT --to-destination ${pod.address}:80`
      const nat = async (verb: string) => {
        const ran = await lab.exec('ws1', ['bash', '-c', `iptables -w -t nat ${verb} PREROUTING ${rule}`])
        assert.equal(ran.code, 0, ran.stderr)
      }
      const service = { apiVersion: 'v1', kind: 'Service', namespace: 'default', name: 'local-lb' }
      await lab.api.apply({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'local-lb', namespace: 'default' },
        spec: {
          type: 'LoadBalancer',
          externalTrafficPolicy: 'Local',
          healthCheckNodePort: healthPort,
          selector: { app: 'app1' },
          ports: [{ port: 80 }],
        },
      })
      await nat('-A')
      try {
        const [toPod, toHealth] = [tcp('win', ws1.address, hostPort), tcp('win', ws1.address, healthPort)]
        const inside = [tcp('ws2', ws1.address, hostPort), tcp('ws2', ws1.address, healthPort), tcp('app1-ws2', ws1.address, hostPort)]
        const outside = [toPod, toHealth, tcp('inet', ws1.address, hostPort)]
        const hostPorts = [{ node: ws1.fqdn, protocol: 'TCP' as const, hostPort, pod: parseAddress(pod.address), port: 80 }]
        await until('the health check to answer', async () => (await lab.agent('win').probe([toHealth.target]))[0] === 'OPEN', 30_000)
        await see('nothing closed', { hostPorts }, all([...outside, ...inside], 'OPEN'))
        const firewall = homeFirewall(lab)
        const [ours] = firewall.hostEndpoints(1, ['ws1'])
        if (ours === undefined) throw new Error('ws1 has no HostEndpoint')
        const { profiles: _, ...spec } = ours.spec
        const bare = { ...ours, spec }
        await write(lab, bare)
        await see('a HostEndpoint without profile or policy', { hostEndpoints: [bare], hostPorts }, [
          [toPod, 'OPEN'],
          [toHealth, 'TIMEOUT'],
        ])
        tell('behind a HostEndpoint alone the hostPort is open, for it is forwarded; the health check is not')
        const policies = [...firewall.policies, denyPolicy([1])]
        await write(lab, ...firewall.sets, ...policies, ours)
        const objects = { hostEndpoints: [ours], policies, networkSets: networkSetsOf(firewall.sets), services: servicesWithNodes(lab), hostPorts }
        await see("the product's firewall", objects, [...all(outside, 'TIMEOUT'), ...all(inside, 'OPEN')])
        await keep()
      } finally {
        await nat('-D')
        await lab.api.delete(service)
      }
    },
  },
]
