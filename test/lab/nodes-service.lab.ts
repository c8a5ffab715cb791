import assert from 'node:assert/strict'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { hostNets, nodesSet } from '../../src/firewall/objects/network-sets.ts'
import { nodesService } from '../../src/firewall/objects/tool-objects.ts'
import { parseAddress } from '../../src/net/address.ts'
import { spreads } from './cells.ts'
import { calicoNamespace } from './cluster/seed.ts'
import { homeFirewall, networkSetsOf, refIn, servicesWithNodes, write } from './firewall.ts'
import type { LabTest } from './lab-test.ts'
import { all, tcp } from './packets/expect.ts'
import { recorder } from './record.ts'
import { worldOf } from './truth.ts'

/** Node addresses that no node list holds: kube-controller-manager keeps them, Felix follows. */
export const tests: readonly LabTest[] = [
  {
    name: 'the nodes Service alone lets nodes reach each other, and nobody else',
    needs: ['felix'],
    sampled: spreads.first,
    run: async (lab) => {
      const { see, write: keep } = recorder(lab, 'nodes-service')
      const firewall = homeFirewall(lab)
      const onlyControl1 = nodesSet(hostNets([parseAddress(lab.node('control1').address)]))
      const sets = firewall.sets.map((object) =>
        object.metadata.name === onlyControl1.metadata.name && object.kind === 'GlobalNetworkSet' ? onlyControl1 : object,
      )
      const policies = [...firewall.policies, denyPolicy([1])]
      const hostEndpoints = firewall.hostEndpoints(1)
      await write(lab, ...sets, ...policies, ...hostEndpoints)
      const [ws1, ws2] = [lab.node('ws1').address, lab.node('ws2').address]
      const between = [tcp('ws1', ws2, 10250), tcp('ws2', ws1, 10250), tcp('ws2', ws1, 9100), tcp('ws1', ws2, 31999)]
      const outside = [tcp('win', ws1, 10250), tcp('inet', ws2, 9100), tcp('win', ws2, lab.layout.nodePorts.local)]
      // A pod's packet to a host leaves under its node's address (natOutgoing), so it hangs on the same Service.
      between.push(tcp('app1-ws1', ws2, 9100))
      const known = [tcp('control1', ws1, 10250), tcp('app1-control1', ws1, 9100)]
      const objects = { hostEndpoints, policies, networkSets: networkSetsOf(sets) }
      const withService = [...all([...between, ...known], 'OPEN'), ...all(outside, 'TIMEOUT')]
      await see('the Service holds the workers, the set does not', { ...objects, services: servicesWithNodes(lab) }, withService)
      const service = nodesService({
        flavour: 'native',
        dataplane: 'unknown',
        namespace: calicoNamespace,
        nodePodLabels: { 'k8s-app': 'calico-node' },
      })
      const there = await lab.api.get(refIn(lab, service))
      const { ipFamilies, ipFamilyPolicy, clusterIP } = (there?.['spec'] ?? {}) as Record<string, unknown>
      assert.deepEqual({ ipFamilies, ipFamilyPolicy, clusterIP }, { ipFamilies: ['IPv4'], ipFamilyPolicy: 'PreferDualStack', clusterIP: 'None' })
      await lab.api.delete(refIn(lab, service))
      await see('the Service deleted', { ...objects, services: worldOf(lab).services }, [
        ...all([...between, ...outside], 'TIMEOUT'),
        ...all(known, 'OPEN'),
      ])
      await write(lab, service)
      await see('the Service back', { ...objects, services: servicesWithNodes(lab) }, withService)
      await keep()
    },
  },
]
