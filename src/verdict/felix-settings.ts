import type { FelixSetting } from '../firewall/facts/components.ts'

/** What of Felix's configuration a verdict depends on, besides failsafes (felix/config/config_params.go). */
export interface FelixSettings {
  /** What becomes of packets a pod sends to its own node, once its own policies let them pass. */
  readonly endpointToHost: 'ACCEPT' | 'DROP' | 'RETURN'
  readonly vxlanPort: number
  /** Ports of WireGuard by family; absent where it is off. */
  readonly wireguard: Readonly<Record<4 | 6, number | undefined>>
}

/** Settings as they are in force: what nobody sets is Felix's own default. */
export const felixSettings = (told: readonly Pick<FelixSetting, 'name' | 'value'>[]): FelixSettings => {
  const values = new Map(told.map(({ name, value }) => [name, value]))
  const action = values.get('defaultEndpointToHostAction')?.toUpperCase()
  const port = (name: string, standard: number) => Number(values.get(name) ?? standard)
  const isOn = (name: string) => values.get(name)?.toLowerCase() === 'true'
  return {
    endpointToHost: action === 'ACCEPT' || action === 'RETURN' ? action : 'DROP',
    vxlanPort: port('vxlanPort', 4789),
    wireguard: {
      4: isOn('wireguardEnabled') ? port('wireguardListeningPort', 51820) : undefined,
      6: isOn('wireguardEnabledV6') ? port('wireguardListeningPortV6', 51821) : undefined,
    },
  }
}
