import { defaultFailsafes, followsDefault } from '../../calico/failsafes.ts'
import type { FailsafePort } from '../../calico/shapes.ts'
import type { Facts } from '../facts/facts.ts'
import { defaultConfiguration } from './failsafe-change.ts'
import type { FailsafeChange } from './plan.ts'

/** Inbound failsafes on any node once the change is in force. */
export const inboundAfter = (facts: Facts, change: FailsafeChange | undefined): FailsafePort[] => {
  const shared = change?.after.inbound ?? defaultConfiguration(facts)?.spec?.failsafeInboundHostPorts ?? defaultFailsafes.inbound
  const overrides = Object.values(facts.failsafes).flatMap(({ inbound: { source, ports } }) => (followsDefault(source) ? [] : ports))
  return [...new Map([...shared, ...overrides].map((port) => [`${port.protocol.toUpperCase()}/${port.port}/${port.net ?? ''}`, port])).values()]
}
