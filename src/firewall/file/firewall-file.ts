import { isDnsLabel } from '../../calico/name-limits.ts'
import { firewallApiVersion, type HostFirewall } from './host-firewall.ts'
import { allowOf, egressOf } from './parse-allow.ts'
import { failsafesOf, narrowFailsafesOf } from './parse-failsafes.ts'
import { interfacesOf } from './parse-interfaces.ts'
import { netsOf } from './parse-nets.ts'
import { failure, fieldsOf, isWritten, readDocument, type Spot, textOf } from './yaml-spot.ts'

/**
 * Parses a HostFirewall file. Everything is strict: unknown keys, types, addresses, ports; each error names file, line and path.
 * @throws FwError FW_BAD_FILE, or FW_BAD_FAILSAFE for failsafes that would stop Felix or promise what they cannot do
 */
export const parseHostFirewall = (text: string, fileName: string): HostFirewall => {
  const root = readDocument(text, fileName)
  const { apiVersion, kind, metadata, spec } = fieldsOf(root, ['apiVersion', 'kind', 'metadata', 'spec'])
  literal(root, 'apiVersion', apiVersion, firewallApiVersion)
  literal(root, 'kind', kind, 'HostFirewall')
  const metadataSpot = required(root, 'metadata', metadata, 'metadata: {name: home}')
  const nameSpot = required(metadataSpot, 'metadata.name', fieldsOf(metadataSpot, ['name']).name, 'metadata: {name: home}')
  const name = textOf(nameSpot)
  if (!isDnsLabel(name)) throw failure(nameSpot, `"${name}" is not a name`, { fix: 'use lower-case letters, digits and -, at most 63 of them' })
  const specSpot = required(root, 'spec', spec, 'spec: {interfaces: [...]}')
  const fields = fieldsOf(specSpot, ['interfaces', 'trustedNets', 'allow', 'egress', 'extraFailsafePorts', 'narrowFailsafes', 'icmp'])
  return {
    apiVersion: firewallApiVersion,
    kind: 'HostFirewall',
    metadata: { name },
    spec: {
      interfaces: interfacesOf(required(specSpot, 'spec.interfaces', fields.interfaces, 'interfaces: [{nodeSelector: {}, names: [ens160]}]')),
      trustedNets: isWritten(fields.trustedNets) ? netsOf(fields.trustedNets, 'trusted') : [],
      allow: isWritten(fields.allow) ? allowOf(fields.allow) : [],
      ...(isWritten(fields.egress) ? { egress: egressOf(fields.egress) } : {}),
      extraFailsafePorts: isWritten(fields.extraFailsafePorts) ? failsafesOf(fields.extraFailsafePorts) : { inbound: [], outbound: [] },
      ...(isWritten(fields.narrowFailsafes) ? { narrowFailsafes: narrowFailsafesOf(fields.narrowFailsafes) } : {}),
      ...(isWritten(fields.icmp) ? icmpOf(fields.icmp) : {}),
    },
  }
}

/** `everyone` is what there is without the word. */
const icmpOf = (spot: Spot): Pick<HostFirewall['spec'], 'icmp'> => {
  const written = textOf(spot)
  if (written === 'everyone') return {}
  if (written === 'trusted') return { icmp: written }
  throw failure(spot, `is "${written}"`, { fix: 'write everyone, or trusted: then others than nodes and trusted networks get no answer to a ping' })
}

const required = (parent: Spot, path: string, spot: Spot | undefined, example: string): Spot => {
  if (!isWritten(spot)) throw failure({ ...(spot ?? parent), path }, 'is missing', { fix: `write ${example}` })
  return spot
}

const literal = (root: Spot, path: string, spot: Spot | undefined, value: string): void => {
  const found = textOf(required(root, path, spot, `${path}: ${value}`))
  if (found !== value && spot !== undefined) throw failure(spot, `is "${found}"`, { why: `this tool reads ${value}`, fix: `write ${path}: ${value}` })
}
