import { names } from '../calico/names.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { parseHostFirewall } from '../firewall/file/firewall-file.ts'
import { firewallKey } from '../firewall/file/firewall-text.ts'
import { firewallApiVersion, type HostFirewall } from '../firewall/file/host-firewall.ts'
import { hostNets, nodeAddresses, trustedNets } from '../firewall/objects/network-sets.ts'
import { kubeletDoors } from '../firewall/probes/door-probes.ts'
import { planProbes } from '../firewall/probes/plan-probes.ts'
import { isReached, type Probe } from '../firewall/probes/probes.ts'
import { vantageOf } from '../firewall/probes/vantage.ts'
import { type BeforeImage, type Checkpoint, compareNumbers, parseNumber } from '../rollout/checkpoint.ts'

const none: HostFirewall = {
  apiVersion: firewallApiVersion,
  kind: 'HostFirewall',
  metadata: { name: 'none' },
  spec: { interfaces: [], trustedNets: [], allow: [], extraFailsafePorts: { inbound: [], outbound: [] } },
}

/** The firewall these before-images lead back to: the one saved now where they do not touch it; one that says nothing where there was none. */
export const firewallBack = (images: readonly BeforeImage[], now: string | undefined): HostFirewall => {
  const image = images.find(({ ref }) => ref.kind === 'ConfigMap' && ref.name === names.firewall)
  const text = image === undefined ? now : (image.before?.['data'] as Record<string, string> | undefined)?.[firewallKey]
  return text === undefined ? none : parseHostFirewall(text, `ConfigMap calico-fw/${names.firewall}`)
}

/** What must hold once we are back: the probes of the firewall we go back to. Back at none, only what must be open is asked. */
export const rollbackProbes = (facts: Facts, firewall: HostFirewall, closed: ReadonlyMap<string, ReadonlySet<string>>): Probe[] => {
  const [anyNode] = Object.values(facts.failsafes)
  const addresses = nodeAddresses(facts)
  const probes = planProbes({
    facts,
    firewall,
    failsafes: anyNode?.inbound.ports ?? [],
    nodeAddresses: addresses,
    vantage: vantageOf(facts, [...hostNets(addresses), ...trustedNets(facts, firewall)]),
    closed,
    lastClosed: undefined,
  })
  return firewall === none ? probes.filter(({ expect }) => expect === 'open') : probes
}

/** Kubelets that answered before the changes after `to`, as the first of them that looked wrote down: they must answer again when all is open. */
export const kubeletsBefore = (facts: Facts, checkpoints: readonly Checkpoint[], to: number): Probe[] => {
  const later = checkpoints.filter(({ number }) => parseNumber(number).change > to).sort((one, other) => compareNumbers(other.number, one.number))
  // The earliest comes last, and stays.
  const before = new Map(later.flatMap(({ evidence }) => evidence?.probes ?? []).map((one) => [one.id, one.before]))
  return kubeletDoors(facts).filter(({ id }) => isReached(before.get(id)))
}
