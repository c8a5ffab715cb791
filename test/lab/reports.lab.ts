import assert from 'node:assert/strict'
import type { GlobalNetworkPolicy, HostEndpoint } from '../../src/calico/shapes.ts'
import { felixIsReady, felixReady } from './cluster/felix.ts'
import { remove, write } from './firewall.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { until } from './machine/run.ts'
import { all, expectPackets, tcp, untilAnswer } from './packets/expect.ts'
import { recorder } from './record.ts'
import { runTool } from './tool.ts'

/** The IDs of doctor's findings that name an object. */
const findings = async (lab: Lab, object: string): Promise<string[]> => {
  const { lines } = await runTool(lab, ['doctor', '-o', 'json'])
  const text = lines.flatMap(({ stream, text: line }) => (stream === 'stdout' ? [line] : [])).join('\n')
  const { checks } = JSON.parse(text) as { checks: { id: string; outcome: string }[] }
  return checks.flatMap((check) => (check.outcome !== 'ok' && JSON.stringify(check).includes(object) ? [check.id] : []))
}

const hostEndpoint = (lab: Lab, name: string, spec: HostEndpoint['spec'], labels: Readonly<Record<string, string>> = {}): HostEndpoint => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'HostEndpoint',
  metadata: { name, labels },
  spec: { expectedIPs: [lab.node('ws1').address], ...spec },
})

/** Reports from the field about HostEndpoints themselves, each by its number in github.com/projectcalico/calico. */
export const tests: readonly LabTest[] = [
  {
    name: 'calico#7459: a `*` HostEndpoint that lost its profile cuts Felix off from its own health check',
    needs: ['felix', 'kubelet'],
    cells: ['iptables-legacy-native', 'nftables-native-native'],
    run: async (lab, tell) => {
      const { see, write: keep } = recorder(lab, 'no-profile')
      const ws1 = lab.node('ws1')
      assert.ok(await felixIsReady(lab, ws1))
      const bare = hostEndpoint(lab, 'ws1-auto-hep', { node: ws1.fqdn, interfaceName: '*' })
      await write(lab, bare)
      await until('Felix not to hear its own health check', async () => !(await felixIsReady(lab, ws1).catch(() => false)), 30_000)
      await see('no profile, no policy', { hostEndpoints: [bare] }, [
        ...all([tcp('win', ws1.address, 9100), tcp('ws2', ws1.address, 10250), tcp('ws1', lab.node('control1').address, 23)], 'TIMEOUT'),
        ...all([tcp('win', ws1.address, 22), tcp('ws1', lab.node('control1').address, lab.layout.api.port)], 'OPEN'),
      ])
      await keep()
      const said = await findings(lab, bare.metadata.name)
      tell(`doctor says of it: ${said.join(', ')}`)
      assert.ok(said.includes('FW-D407') && said.includes('FW-D408'), said.join(', '))
      await remove(lab, bare)
      await felixReady(lab, ws1)
    },
  },
  {
    name: 'calico#9121, #6412: one object seen through two API groups: its labels move where kubectl does not look',
    needs: ['felix', 'kubelet'],
    cells: ['iptables-nft-aggregated', 'nftables-legacy-aggregated'],
    run: async (lab, tell) => {
      const ws1 = lab.node('ws1')
      const packet = tcp('win', ws1.address, 9100)
      const labels = { guarded: 'yes' }
      const stored = { apiVersion: 'crd.projectcalico.org/v1', kind: 'HostEndpoint', name: 'ws1-stored' }
      const served = { ...stored, apiVersion: 'projectcalico.org/v3' }
      const { spec } = hostEndpoint(lab, stored.name, { node: ws1.fqdn, interfaceName: ws1.nic, profiles: ['projectcalico-default-allow'] })
      const guard: GlobalNetworkPolicy = {
        apiVersion: 'projectcalico.org/v3',
        kind: 'GlobalNetworkPolicy',
        metadata: { name: 'guard' },
        spec: {
          ...{ tier: 'default', order: 10, selector: "guarded == 'yes'", types: ['Ingress'], preDNAT: true, applyOnForward: true },
          ingress: [{ action: 'Deny', protocol: 'TCP', destination: { ports: [9100] } }],
        },
      }
      await write(lab, guard)
      // As kubectl writes it where people find the storage CRDs first.
      await lab.api.apply({ apiVersion: stored.apiVersion, kind: stored.kind, metadata: { name: stored.name, labels }, spec })
      await untilAnswer(lab, packet, 'TIMEOUT')
      await lab.api.patch(served, { metadata: { labels: { more: 'yes' } } })
      assert.equal((await lab.api.get(stored))?.metadata['labels'], undefined, 'after one edit by the v3 API, storage shows no labels')
      await lab.api.patch(stored, { metadata: { labels: { guarded: 'no' } } })
      const shown = (await lab.api.get(served))?.metadata['labels'] as Readonly<Record<string, string>>
      assert.equal(shown['guarded'], 'yes', 'what is written to storage now is ignored')
      await expectPackets(lab, 'the edit of storage changes nothing', [[packet, 'TIMEOUT']])
      const said = await findings(lab, stored.name)
      tell(`an edit of the storage object changes nothing any more; doctor says of it: ${said.join(', ')}`)
      assert.ok(said.includes('FW-D401'), said.join(', '))
    },
  },
]
