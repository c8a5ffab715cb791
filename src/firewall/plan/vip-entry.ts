import { FwError } from '../../errors.ts'
import type { Address } from '../../net/address.ts'
import { type Cidr, hostCidr } from '../../net/cidr.ts'
import { formatPortSpec, type PortSpec, portProtocols } from '../../net/port.ts'
import type { AllowEntry, ExtraFailsafe } from '../file/host-firewall.ts'
import { entryNameLimit, entryNameProblem } from '../file/parse-allow.ts'

/** What the user asks add-vip for. */
export interface VipRequest {
  readonly address: Address
  readonly ports: readonly PortSpec[]
  /** Empty: everyone. */
  readonly from: readonly Cidr[]
  /** The entry's name; made from address and port when absent. */
  readonly name?: string
}

/**
 * The allow entry for one more address.
 * @throws FwError FW_USAGE when the name cannot name a policy, or is taken
 */
export const vipEntry = ({ address, ports, from, name }: VipRequest, taken: ReadonlySet<string>): AllowEntry => {
  const problem = name === undefined ? undefined : entryNameProblem(name)
  if (problem !== undefined) throw new FwError('FW_USAGE', `"${name}" names no allow entry`, { fix: problem })
  if (name !== undefined && taken.has(name)) {
    throw new FwError('FW_USAGE', `an allow entry "${name}" exists already`, { fix: 'choose another --name, or edit the file and run apply -f FILE' })
  }
  return {
    name: name ?? freeName(address, ports, taken),
    to: { nets: [hostCidr(address)] },
    ...(from.length === 0 ? {} : { from: { nets: from } }),
    traffic: portProtocols.flatMap((protocol) => {
      const own = ports.filter((one) => one.protocol === protocol)
      return own.length === 0 ? [] : [{ protocol, ports: own.map(({ first, last }) => ({ first, last })) }]
    }),
  }
}

/** `vip-192-168-218-180-80`; a letter is added where that is taken. */
const freeName = (address: Address, ports: readonly PortSpec[], taken: ReadonlySet<string>): string => {
  const stem = `vip-${address.replace(/[.:]+/g, '-').replace(/-+$/, '')}-${ports[0]?.first ?? 'all'}`.slice(0, entryNameLimit - 2)
  const suffix = ['', ...'bcdefghijklmnopqrstuvwxyz'].find((letter) => !taken.has(letter === '' ? stem : `${stem}-${letter}`))
  if (suffix === undefined) throw new FwError('FW_USAGE', `every name made from ${address} is taken`, { fix: 'choose one with --name' })
  return suffix === '' ? stem : `${stem}-${suffix}`
}

/**
 * The failsafes that `--failsafe` adds for the same ports.
 * @throws FwError FW_BAD_FAILSAFE for SCTP, ranges, and sources: a failsafe is one tcp or udp port, open to everyone
 */
export const vipFailsafes = ({ ports, from }: VipRequest): ExtraFailsafe[] => {
  if (from.length > 0) {
    throw new FwError('FW_BAD_FAILSAFE', '--failsafe and --from contradict each other', {
      why: 'a failsafe is open to everyone on every address of every node; it cannot narrow',
      fix: 'leave out one of them',
    })
  }
  return ports.map((spec) => {
    const { protocol, first, last } = spec
    if (protocol === 'SCTP') {
      throw new FwError('FW_BAD_FAILSAFE', `${formatPortSpec(spec)} cannot be a failsafe`, {
        why: 'Felix knows only tcp and udp here and stops on anything else',
        fix: `open it by a policy: init --open ${formatPortSpec(spec)}, or add-vip without --failsafe`,
      })
    }
    if (first !== last)
      throw new FwError('FW_BAD_FAILSAFE', `${formatPortSpec(spec)} cannot be a failsafe`, {
        why: 'failsafes are single ports',
        fix: 'name single ports',
      })
    return { protocol, port: first }
  })
}
