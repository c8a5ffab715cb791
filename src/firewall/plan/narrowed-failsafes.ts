import { defaultFailsafes, followsDefault } from '../../calico/failsafes.ts'
import { names } from '../../calico/names.ts'
import { v3 } from '../../calico/resources.ts'
import type { FailsafePort } from '../../calico/shapes.ts'
import { FwError } from '../../errors.ts'
import { covers, mergeCidrs } from '../../net/cidr.ts'
import { byText } from '../by-text.ts'
import type { PlaceFacts } from '../facts/api-places.ts'
import type { Facts } from '../facts/facts.ts'
import type { HostFirewall, NarrowedFailsafes } from '../file/host-firewall.ts'
import { hostNets, nodeAddresses } from '../objects/network-sets.ts'
import type { FailsafeChange, Narrowing } from './plan.ts'

/** Felix renders one rule for each entry, on every node: more than this for one port would be a list of machines and not of networks. */
const mostNets = 128

/** What a narrowed port stays a failsafe for: the file's networks, and every node, whose Felix and kubelet live on it. */
const remaining = ({ ports, from }: NarrowedFailsafes, facts: Pick<Facts, 'apiEndpoints'> & PlaceFacts): FailsafePort[] => {
  const nodes = hostNets(nodeAddresses(facts)).filter((net) => !from.some((wide) => covers(wide, net)))
  const nets = mergeCidrs([...from, ...nodes])
  if (nets.length > mostNets) {
    throw new FwError('FW_UNSUPPORTED', `a narrowed failsafe would have ${nets.length} networks`, {
      why: `Felix renders a rule for each, and ${mostNets} is the most this tool writes`,
      fix: 'add the networks the nodes are in to spec.narrowFailsafes.from',
    })
  }
  return ports.flatMap(({ protocol, port }) => nets.map((net): FailsafePort => ({ protocol, port, net })))
}

const isSamePort = (one: FailsafePort, other: FailsafePort): boolean =>
  one.port === other.port && one.protocol.toUpperCase() === other.protocol.toUpperCase()
const keyOf = ({ protocol, port, net = '' }: FailsafePort): string => `${protocol.toUpperCase()}/${port}/${net}`

/** The entries the file's narrowed ports come to. */
const narrowedEntries = (facts: Pick<Facts, 'apiEndpoints'> & PlaceFacts, firewall: HostFirewall): FailsafePort[] =>
  (firewall.spec.narrowFailsafes ?? []).flatMap((one) => remaining(one, facts))

/** Whether the file narrows the port. */
export const isNarrowed = (firewall: HostFirewall, { protocol, port }: FailsafePort): boolean =>
  (firewall.spec.narrowFailsafes ?? []).some(({ ports }) => ports.some((one) => isSamePort(one, { protocol, port })))

/** Entries of ports that are narrow already and lack a network: those are added before anything closes, as every failsafe is. */
export const missingNets = (facts: Facts, firewall: HostFirewall, inForce: readonly FailsafePort[]): FailsafePort[] => {
  const known = new Set(inForce.map(keyOf))
  const isNarrow = (entry: FailsafePort): boolean => {
    const present = inForce.filter((one) => isSamePort(one, entry))
    return present.length > 0 && present.every(({ net }) => Boolean(net))
  }
  return narrowedEntries(facts, firewall).filter((entry) => isNarrow(entry) && !known.has(keyOf(entry)))
}

/**
 * What takes the wide entries away, under the armed gate: first on one worker, by FelixConfiguration `node.NAME`, then on all. Undefined where nothing is wider
 * than the file wants. `first` is the change that goes before it, if there is one.
 * @throws FwError FW_UNSUPPORTED where something else than FelixConfiguration `default` decides on a node
 */
export const planNarrowing = (facts: Facts, firewall: HostFirewall, first: FailsafeChange | undefined): Narrowing | undefined => {
  const wanted = narrowedEntries(facts, firewall)
  const found = facts.felixConfigurations.find(({ metadata }) => metadata.name === names.felixConfiguration)
  const before = first?.after ?? {
    inbound: found?.spec?.failsafeInboundHostPorts ?? null,
    outbound: found?.spec?.failsafeOutboundHostPorts ?? null,
  }
  const lists = { inbound: before.inbound ?? defaultFailsafes.inbound, outbound: before.outbound ?? defaultFailsafes.outbound }
  const keys = new Set(wanted.map(keyOf))
  if (wanted.length === 0 || !lists.inbound.some((entry) => isNarrowed(firewall, entry) && !keys.has(keyOf(entry)))) return undefined
  refuseOverridden(facts)
  const after = { inbound: [...lists.inbound.filter((entry) => !isNarrowed(firewall, entry)), ...wanted], outbound: lists.outbound }
  const all: FailsafeChange = {
    ref: { apiVersion: found?.apiVersion ?? v3, kind: 'FelixConfiguration', name: names.felixConfiguration },
    exists: found !== undefined || first !== undefined,
    before,
    after,
    added: [],
  }
  const node = facts.nodes
    .filter(
      ({ name, ready, controlPlane }) =>
        ready && !controlPlane && !facts.felixConfigurations.some(({ metadata }) => metadata.name === `node.${name}`),
    )
    .map(({ name }) => name)
    .sort(byText)[0]
  if (node === undefined) return { all }
  const one = { ...all, ref: { ...all.ref, name: `node.${node}` }, exists: false, before: { inbound: null, outbound: null } }
  return { all, trial: { node, change: one } }
}

const refuseOverridden = ({ failsafes }: Facts): void => {
  for (const [node, { inbound }] of Object.entries(failsafes).sort(([a], [b]) => byText(a, b))) {
    const { source } = inbound
    if (source.kind === 'default' || followsDefault(source)) continue
    const who = source.kind === 'environment' ? `environment variable ${source.variable} of calico-node` : `FelixConfiguration ${source.name}`
    throw new FwError('FW_UNSUPPORTED', `the failsafes of ${node} cannot be narrowed from here`, {
      why: `${who} decides there, and this tool writes FelixConfiguration default alone`,
      fix: `take the failsafe lists out of ${who}, or leave narrowFailsafes out of the file`,
    })
  }
}
