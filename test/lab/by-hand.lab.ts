import assert from 'node:assert/strict'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { spreads } from './cells.ts'
import { signalFelix } from './cluster/felix.ts'
import { homeFirewall, write } from './firewall.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { all, expectPackets, tcp } from './packets/expect.ts'
import type { Packet } from './packets/table.ts'

/** A way of docs/locked-out.md, as it stands there. */
interface Way {
  readonly name: string
  readonly place: string
  readonly script: string
  readonly undo?: string
  /** The node's Felix is stopped for as long, as the page says: it puts its rules back, soonest right after a change. */
  readonly withoutFelix?: true
}

const label = 'calico-fw.github.io/run'

const ways = (lab: Lab): readonly Way[] => {
  const { flavour, felix } = lab.variant
  const admin = `KUBECONFIG=${lab.state.at('pki', 'admin.kubeconfig')} PATH=$PATH:${lab.binaries.controlPlane} kubectl`
  const v3 = `delete hostendpoints.projectcalico.org -l ${label}`
  const storage = 'delete hostendpoints.crd.projectcalico.org --all'
  return [
    ...(flavour === 'storage' ? [] : [{ name: 'kubectl, by label, from the operator', place: 'adm', script: `${admin} ${v3}` }]),
    ...(flavour === 'storage' ? [] : [{ name: 'kubectl, by label, on a control-plane node', place: 'control1', script: `${admin} ${v3}` }]),
    ...(flavour === 'native' ? [] : [{ name: 'kubectl, the storage objects', place: 'adm', script: `${admin} ${storage}` }]),
    ...(felix === 'native'
      ? [{ name: 'nft delete table', place: 'ws1', script: 'nft delete table ip calico; nft delete table ip6 calico', withoutFelix: true as const }]
      : [
          {
            name: 'iptables -I',
            place: 'ws1',
            script: 'iptables -t mangle -I PREROUTING -j ACCEPT; iptables -t filter -I INPUT -j ACCEPT',
            withoutFelix: true as const,
            undo: 'iptables -t mangle -D PREROUTING -j ACCEPT; iptables -t filter -D INPUT -j ACCEPT',
          },
        ]),
  ]
}

const shell = async (lab: Lab, place: string, script: string): Promise<void> => {
  const ran = await lab.exec(place, ['bash', '-ec', script])
  assert.equal(ran.code, 0, `${script}\n${ran.stdout}${ran.stderr}`)
}

/** The commands of docs/locked-out.md, on a closed cluster. */
export const tests: readonly LabTest[] = [
  {
    name: 'locked out: every command of the page opens',
    needs: ['felix'],
    sampled: spreads.second,
    run: async (lab, tell) => {
      const firewall = homeFirewall(lab)
      await write(lab, ...firewall.sets, ...firewall.policies, denyPolicy([1]))
      const ws1 = lab.node('ws1').address
      const packets: Packet[] = ['win', 'inet'].flatMap((from) => [
        ...[23, 9100, 10250, lab.layout.nodePorts.cluster, lab.layout.nodePorts.local].map((port) => tcp(from, ws1, port)),
      ])
      for (const { name, place, script, undo, withoutFelix } of ways(lab)) {
        await write(lab, ...firewall.hostEndpoints(1))
        await expectPackets(lab, `before ${name}`, all(packets, 'TIMEOUT'))
        const felix = lab.process(`felix-${place === 'adm' ? 'ws1' : place}`)
        if (withoutFelix) signalFelix(felix, 'SIGSTOP')
        try {
          await shell(lab, place, script)
          await expectPackets(lab, name, all(packets, 'OPEN'))
          tell(`${name}: everything open`)
          if (undo !== undefined) await shell(lab, place, undo)
        } finally {
          if (withoutFelix) signalFelix(felix, 'SIGCONT')
        }
        if (undo !== undefined) await expectPackets(lab, `${name}, taken back`, all(packets, 'TIMEOUT'))
      }
    },
  },
]
