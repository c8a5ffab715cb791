import assert from 'node:assert/strict'
import type { GlobalNetworkPolicy } from '../../src/calico/shapes.ts'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { spreads } from './cells.ts'
import { homeFirewall, write } from './firewall.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { expectPackets, ping, tcp, udp, untilAnswer } from './packets/expect.ts'

const shell = async (lab: Lab, place: string, script: string): Promise<string> => {
  const ran = await lab.exec(place, ['bash', '-ec', script])
  assert.equal(ran.code, 0, `${place}: ${script}\n${ran.stdout}${ran.stderr}`)
  return ran.stdout
}

const linkLocal = async (lab: Lab, node: string): Promise<string> => {
  const text = await shell(lab, node, `ip -6 -o addr show dev ${lab.node(node).nic} scope link`)
  const found = /inet6 (fe80:[0-9a-f:]+)\//.exec(text)?.[1]
  if (found === undefined) throw new Error(`${node} has no link-local address: ${text}`)
  return found
}

/** The base policy without what IPv6 needs from link-local senders. */
const withoutLinkLocal = (policies: readonly GlobalNetworkPolicy[]): GlobalNetworkPolicy[] =>
  policies.map((policy) => ({
    ...policy,
    spec: { ...policy.spec, ingress: (policy.spec.ingress ?? []).filter(({ source }) => source?.nets?.includes('fe80::/10') !== true) },
  }))

/** VRRP advertisements of a LAN neighbour that get past every chain of a node. There is no sender of protocol 112 on every machine: UDP is rewritten on its way out. */
const vrrpCount = async (lab: Lab): Promise<number> => {
  await shell(
    lab,
    'win',
    'nft "add table ip6 lab; add chain ip6 lab out { type filter hook output priority 0; }; add rule ip6 lab out ip6 daddr ff02::12 ip6 nexthdr set 112"',
  )
  await shell(
    lab,
    'ws1',
    'nft "add table ip6 lab; add chain ip6 lab in { type filter hook prerouting priority -50; }; add rule ip6 lab in ip6 nexthdr 112 counter"',
  )
  // Counted right after the mangle table, where policies before DNAT drop: further in the kernel wants a member of the group, which keepalived is.
  try {
    await lab.agent('win').probe(
      [1, 2, 3].map((port) => ({ protocol: 'udp' as const, host: 'ff02::12%eth0', port })),
      300,
    )
    return Number(/packets (\d+)/.exec(await shell(lab, 'ws1', 'nft list chain ip6 lab in'))?.[1])
  } finally {
    await shell(lab, 'ws1', 'nft delete table ip6 lab')
    await shell(lab, 'win', 'nft delete table ip6 lab')
  }
}

/** What IPv6 needs from senders whose addresses stand in no set. */
export const tests: readonly LabTest[] = [
  {
    name: 'IPv6: neighbour discovery, DHCPv6 replies and VRRP live on a closed node, and nothing else link-local',
    needs: ['felix'],
    sampled: spreads.third,
    run: async (lab, tell) => {
      const address = `${await linkLocal(lab, 'ws1')}%eth0`
      const agent = lab.agent('ws1')
      for (const port of [546, 547]) await agent.listen('udp', port, '::')
      await agent.listen('tcp', 9546, '::')
      try {
        const firewall = homeFirewall(lab)
        const outsider = [udp('win', address, 546), udp('win', address, 547), tcp('win', address, 9546), ping('win', address)] as const
        const [dhcp, other, host, echo] = outsider
        await expectPackets(
          lab,
          'open',
          outsider.map((packet) => [packet, 'OPEN'] as const),
        )
        const open = await vrrpCount(lab)
        assert.ok(open > 0, 'VRRP advertisements arrive where nothing is closed')
        await write(lab, ...firewall.sets, ...firewall.policies, denyPolicy([1]), ...firewall.hostEndpoints(1, ['ws1']))
        await untilAnswer(lab, host, 'TIMEOUT')
        await shell(lab, 'win', 'ip -6 neigh flush all')
        await expectPackets(lab, 'closed', [
          [dhcp, 'OPEN'],
          [other, 'TIMEOUT'],
          [host, 'TIMEOUT'],
          [echo, 'OPEN'],
        ])
        const closed = await vrrpCount(lab)
        assert.ok(closed > 0, 'VRRP advertisements arrive on a closed node')
        await write(lab, ...withoutLinkLocal(firewall.policies))
        await untilAnswer(lab, dhcp, 'TIMEOUT')
        const without = await vrrpCount(lab)
        assert.equal(without, 0, 'without their rule they are dropped')
        tell(`VRRP over IPv6: ${open} arrive with nothing closed, ${closed} on a closed node, ${without} without the rule; so do DHCPv6 replies`)
      } finally {
        for (const port of [546, 547]) await agent.close('udp', port, '::')
        await agent.close('tcp', 9546, '::')
      }
    },
  },
]
