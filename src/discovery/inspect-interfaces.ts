import * as v from 'valibot'
import type { InspectedAddress, InspectedInterface, Inspection, InterfaceKind } from '../firewall/facts/inspection.ts'
import { type Address, type Family, familyOf } from '../net/address.ts'
import { contains, networkOf } from '../net/cidr.ts'
import { interfaceName } from '../net/interface-name.ts'
import { addressIn } from './loose-text.ts'

/** A field that `ip` leaves out, or prints as null where the kernel tells none (`"link": null` of tunl0@NONE), says nothing; so does one of a type not known here. */
const text = v.fallback(v.optional(v.string()), undefined)
const number = v.fallback(v.optional(v.number()), undefined)
const listOf = <Item extends v.GenericSchema>(item: Item) => v.fallback(v.optional(v.array(item), []), [])
const link = v.object({
  ifname: v.string(),
  link: text,
  master: text,
  link_type: text,
  flags: listOf(v.unknown()),
  linkinfo: v.fallback(v.object({ info_kind: text, info_data: v.fallback(v.object({ id: v.unknown() }), { id: undefined }) }), {
    info_kind: undefined,
    info_data: { id: undefined },
  }),
  addr_info: listOf(v.fallback(v.object({ local: text, prefixlen: number }), {})),
})
const route = v.object({ gateway: text, dev: text, metric: v.fallback(v.optional(v.number(), 0), 0) })

/**
 * The interfaces in the output of `ip -j -d addr` (iproute2 4.15 and newer); undefined where it is none. Entries without a name, which `ip` prints for
 * interfaces that went away meanwhile, are left out.
 */
export const interfacesIn = (json: string): InspectedInterface[] | undefined => {
  const links = entriesIn(link, json)
  return links?.map(({ ifname, link: under, master, link_type, flags, linkinfo, addr_info }): InspectedInterface => {
    const name = interfaceName(ifname)
    const kind = kindOf(linkinfo.info_kind, link_type)
    const members = links.filter((one) => one.master === ifname).map((one) => interfaceName(one.ifname))
    const vlanId = kind === 'vlan' ? Number(linkinfo.info_data.id) : Number.NaN
    return {
      name,
      kind,
      up: flags.includes('UP') && !flags.includes('NO-CARRIER'),
      addresses: addressesOf(addr_info),
      ...(master === undefined ? {} : { master: interfaceName(master) }),
      // The other end of a veth is no interface it stands on.
      ...(under === undefined || kind === 'veth' ? {} : { parent: interfaceName(under) }),
      ...(Number.isInteger(vlanId) ? { vlanId } : {}),
      ...(members.length === 0 ? {} : { members }),
    }
  })
}

/** The default routes in the output of `ip -j route show default`, the preferred one first; undefined where it is none. `ip` prints nothing for no route. */
export const defaultRoutesIn = (json: string, family: Family): Inspection['defaultRoutes'][number][] | undefined => {
  return entriesIn(route, json.trim() === '' ? '[]' : json)
    ?.sort((one, other) => one.metric - other.metric)
    .flatMap(({ dev, gateway }) => {
      const via = addressIn(gateway)
      return dev === undefined ? [] : [{ family, device: interfaceName(dev), ...(via === undefined ? {} : { via }) }]
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

const kindOf = (kind: string | undefined, linkType: string | undefined): InterfaceKind => {
  if (linkType === 'loopback') return 'loopback'
  if (kind === undefined) return linkType === 'ether' || linkType === 'infiniband' ? 'nic' : 'other'
  if (kind === 'team') return 'bond'
  if (kind === 'bond' || kind === 'bridge' || kind === 'vlan' || kind === 'vrf' || kind === 'veth') return kind
  return /^(ipip|sit|ip6tnl|gre|gretap|ip6gre|vxlan|geneve|wireguard|tun|vti6?)$/.test(kind) ? 'tunnel' : 'other'
}

const addressesOf = (entries: readonly { readonly local?: string | undefined; readonly prefixlen?: number | undefined }[]): InspectedAddress[] => {
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

/** The entries of a list that can be read, one by one: an odd one does not take the others with it. `ip -j` prints `{}` for what its filter left out. */
const entriesIn = <Entry extends v.GenericSchema>(entry: Entry, json: string): v.InferOutput<Entry>[] | undefined => {
  const list = jsonOf(json)
  if (!Array.isArray(list)) return undefined
  const given = list.filter((one: unknown) => typeof one !== 'object' || one === null || Object.keys(one).length > 0)
  const read = given.flatMap((one) => {
    const parsed = v.safeParse(entry, one)
    return parsed.success ? [parsed.output] : []
  })
  return read.length === 0 && given.length > 0 ? undefined : read
}

const jsonOf = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
