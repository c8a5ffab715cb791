import { stringify } from 'yaml'
import { names, ownLabels, toolNamespace } from '../../calico/names.ts'
import type { KubeObject } from '../../calico/object.ts'
import type { PortRange } from '../../net/port.ts'
import { formatPortRange } from '../../net/port.ts'
import { parseHostFirewall } from './firewall-file.ts'
import type { AllowEntry, HostFirewall } from './host-firewall.ts'

/**
 * The file of a HostFirewall; {@link parseHostFirewall} reads it back to the same value. Quoted for YAML 1.1 readers, which kubectl is:
 * a bare `on` or `1:30` would be a boolean or a number to them.
 */
export const formatHostFirewall = (firewall: HostFirewall): string => {
  const { interfaces, trustedNets, allow, egress, extraFailsafePorts, narrowFailsafes, icmp } = firewall.spec
  return toYaml({
    apiVersion: firewall.apiVersion,
    kind: firewall.kind,
    metadata: firewall.metadata,
    spec: {
      interfaces,
      trustedNets,
      allow: allow.map(plainEntry),
      ...(egress === undefined ? {} : { egress: egress.map(plainEntry) }),
      extraFailsafePorts,
      ...(narrowFailsafes === undefined ? {} : { narrowFailsafes }),
      ...(icmp === undefined ? {} : { icmp }),
    },
  })
}

/** An allow entry as it stands in the file, for people to paste. */
export const formatAllowEntry = (entry: AllowEntry): string => toYaml([plainEntry(entry)])

/** An allow entry as plain JSON in the order of the file, ports as written there. */
export const plainEntry = ({ name, to, from, traffic }: AllowEntry): Record<string, unknown> => ({
  name,
  to,
  ...(from === undefined ? {} : { from }),
  traffic: traffic.map(({ protocol, ports }) => ({ protocol, ...(ports.length === 0 ? {} : { ports: ports.map(plainPort) }) })),
})

const plainPort = (range: PortRange): number | string => (range.first === range.last ? range.first : formatPortRange(range))

const toYaml = (value: unknown): string => stringify(value, { compat: 'yaml-1.1', lineWidth: 0, aliasDuplicateObjects: false })

/** The key of the ConfigMap that holds the file. */
export const firewallKey = 'host-firewall.yaml'

/** ConfigMap calico-fw/host-firewall: the firewall as a file, so that any machine can tell what is wanted. */
export const firewallConfigMap = (firewall: HostFirewall): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: names.firewall, namespace: toolNamespace, labels: ownLabels() },
  data: { [firewallKey]: formatHostFirewall(firewall) },
})

/**
 * The firewall a ConfigMap made by {@link firewallConfigMap} holds.
 * @throws FwError FW_BAD_FILE when somebody edited it into something else
 */
export const firewallIn = (configMap: KubeObject): HostFirewall => {
  const { data } = configMap as { data?: Readonly<Record<string, string>> }
  return parseHostFirewall(data?.[firewallKey] ?? '', `ConfigMap ${toolNamespace}/${names.firewall}`)
}
