import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Lab } from '../lab.ts'
import { ping, udp } from '../packets/expect.ts'
import { observe, type Packet } from '../packets/table.ts'
import { runTool, withSeconds } from '../tool.ts'
import { inBrief, mismatches } from './home-answers.ts'
import { keepingLines } from './kept-lines.ts'
import { type Page, seconds } from './page.ts'
import { proveRolledBack, remember } from './undone.ts'

const home = fileURLToPath(new URL('../../../examples/home.yaml', import.meta.url))
const client = { place: 'win', address: '192.168.218.53' }
const ports = { first: 9100, last: 9110 }

/** The home file with a range of UDP ports for one client, and whom it names to ping. */
const fileFor = (lab: Lab, icmp: 'everyone' | 'trusted'): string => {
  const path = lab.state.at(`ping-${icmp}.yaml`)
  const entry = `  - {name: udp, to: {nodes: true}, from: {nets: [${client.address}/32]}, traffic: [{protocol: UDP, ports: [${ports.first}-${ports.last}]}, {protocol: 47}]}\n`
  writeFileSync(
    path,
    `${readFileSync(home, 'utf8')
      .replace(/^ {2}# a NodePort.*\n/m, entry)
      .trimEnd()}\n  icmp: ${icmp}\n`,
  )
  return path
}

const outsiders = ['adm', 'win', 'inet']

/** Pings of every node and UDP to it, from outsiders, a node and a pod. */
const packetsOf = ({ layout }: Lab): Packet[] =>
  [...outsiders, 'ws1', 'app1-ws1'].flatMap((from) =>
    layout.nodes.filter(({ name }) => name !== from).flatMap(({ address }) => [ping(from, address), udp(from, address, ports.first)]),
  )

/** UDP for one client, pings for trusted networks alone, then for everyone, then not again; nodes and pods are never cut. */
export const proveMoreThanTcp = async (lab: Lab, page: Page): Promise<void> => {
  const before = await remember(lab)
  const steps = [
    ['init', 'trusted'],
    ['apply', 'everyone'],
    ['apply', 'trusted'],
  ] as const
  for (const [verb, icmp] of steps) {
    const file = fileFor(lab, icmp)
    const end = await keepingLines(lab, page, { everyMs: 250, inFull: false, which: ({ from }) => !outsiders.includes(from) }, () =>
      runTool(lab, [verb, '-f', file, '--yes']),
    )
    page.fact(`${verb} with icmp: ${icmp} exits 0`, end.code === 0, `exit ${end.code} in ${seconds(end.ended - end.began)}`)
    if (end.code !== 0) page.say(withSeconds(end))
    const seen = await observe(lab, packetsOf(lab))
    const wrong = mismatches(seen, ({ from, target }) => {
      if (!outsiders.includes(from)) return 'OPEN'
      if (target.protocol === 'icmp') return icmp === 'everyone' ? 'OPEN' : 'TIMEOUT'
      return from === client.place ? 'OPEN' : 'TIMEOUT'
    })
    page.fact(
      `outsiders get ${icmp === 'everyone' ? 'an' : 'no'} answer to pings, ${client.address} alone to ${ports.first}/udp; nodes and pods to both`,
      wrong.length === 0,
      wrong.length === 0 ? `${seen.length} packets` : inBrief(wrong),
    )
  }
  await proveRolledBack(lab, page, before)
}
