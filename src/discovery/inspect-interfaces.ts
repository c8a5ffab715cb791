import * as v from 'valibot'
import type { InspectedAddress, InspectedInterface, Inspection, InterfaceKind } from '../firewall/inspection.ts'
import { type Address, type Family, familyOf } from '../net/address.ts'
import { contains, networkOf } from '../net/cidr.ts'
import { addressIn } from './loose-text.ts'

const text = v.exactOptional(v.string())
const links = v.array(
  v.object({
    ifname: v.string(),
    link: text,
    master: text,
    link_type: text,
    flags: v.exactOptional(v.array(v.string()), []),
    linkinfo: v.exactOptional(v.object({ info_kind: text, info_data: v.exactOptional(v.looseObject({ id: v.exactOptional(v.unknown()) })) })),
    addr_info: v.exactOptional(v.array(v.looseObject({ local: text, prefixlen: v.exactOptional(v.number()) })), []),
  }),
)
const routes = v.array(v.object({ dst: v.string(), gateway: text, dev: text, metric: v.exactOptional(v.number(), 0) }))

/**
 * The interfaces in the output of `ip -j -d addr` (iproute2 4.15 and newer); undefined where it is none. Entries without a name, which `ip` prints for
 * interfaces that went away meanwhile, are left out.
 */
export const interfacesIn = (json: string): InspectedInterface[] | undefined => {
  const parsed = v.safeParse(links, withoutEmpty(jsonOf(json)))
  if (!parsed.success) return undefined
  return parsed.output.map(({ ifname, link, master, link_type, flags, linkinfo, addr_info }): InspectedInterface => {
    const name = plainName(ifname)
    const kind = kindOf(linkinfo?.info_kind, link_type)
    const members = parsed.output.filter((one) => one.master === ifname).map((one) => plainName(one.ifname))
    const vlanId = kind === 'vlan' ? Number(linkinfo?.info_data?.id) : Number.NaN
    return {
      name,
      kind,
      up: flags.includes('UP') && !flags.includes('NO-CARRIER'),
      addresses: addressesOf(addr_info),
      ...(master === undefined ? {} : { master: plainName(master) }),
      // The other end of a veth is no interface it stands on.
      ...(link === undefined || kind === 'veth' ? {} : { parent: plainName(link) }),
      ...(Number.isInteger(vlanId) ? { vlanId } : {}),
      ...(members.length === 0 ? {} : { members }),
    }
  })
}

/** The default routes in the output of `ip -j route show default`, the preferred one first; undefined where it is none. `ip` prints nothing for no route. */
export const defaultRoutesIn = (json: string, family: Family): Inspection['defaultRoutes'][number][] | undefined => {
  const parsed = v.safeParse(routes, json.trim() === '' ? [] : jsonOf(json))
  if (!parsed.success) return undefined
  return [...parsed.output]
    .sort((one, other) => one.metric - other.metric)
    .flatMap(({ dev, gateway }) => {
      const via = addressIn(gateway)
      return dev === undefined ? [] : [{ family, device: plainName(dev), ...(via === undefined ? {} : { via }) }]
    })
}

/** The interface that holds the first of these addresses any interface holds. */
export const holderOf = (interfaces: readonly InspectedInterface[], addresses: readonly Address[]): string | undefined => {
  for (const address of addresses) {
    const holder = interfaces.find((one) => one.addresses.some((held) => held.address === address))
    if (holder !== undefined) return holder.name
  }
  return undefined
}

/** A VLAN shows as eth0.100@eth0; Felix knows it as eth0.100 (felix#1280). */
const plainName = (name: string): string => name.replace(/@.*$/, '')

const kindOf = (kind: string | undefined, linkType: string | undefined): InterfaceKind => {
  if (linkType === 'loopback') return 'loopback'
  if (kind === undefined) return linkType === 'ether' || linkType === 'infiniband' ? 'nic' : 'other'
  if (kind === 'team') return 'bond'
  if (kind === 'bond' || kind === 'bridge' || kind === 'vlan' || kind === 'vrf' || kind === 'veth') return kind
  return /^(ipip|sit|ip6tnl|gre|gretap|ip6gre|vxlan|geneve|wireguard|tun|vti6?)$/.test(kind) ? 'tunnel' : 'other'
}

const addressesOf = (entries: readonly { readonly local?: string; readonly prefixlen?: number }[]): InspectedAddress[] => {
  const found = entries.flatMap(({ local, prefixlen }) => {
    const address = addressIn(local)
    return address === undefined || prefixlen === undefined ? [] : [{ address, prefix: prefixlen }]
  })
  return found.map((one) => {
    const bits = familyOf(one.address) === 4 ? 32 : 128
    const isInside = found.some((other) => other.prefix < bits && contains(networkOf(other.address, other.prefix), one.address))
    return one.prefix === bits && isInside ? { ...one, floating: true } : one
  })
}

/** `ip -j` prints `{}` for what its filter left out. */
const withoutEmpty = (value: unknown): unknown =>
  Array.isArray(value) ? value.filter((one: unknown) => typeof one === 'object' && one !== null && Object.keys(one).length > 0) : value

const jsonOf = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
