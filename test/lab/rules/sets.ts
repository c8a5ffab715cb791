import { type Header, holds, type Ip, type Net, netOf, protocolOf } from './header.ts'

/** Addresses by prefix length: one look-up for each length in use. */
export interface AddressSet {
  readonly has: (ip: Ip) => boolean
}

/** A set of nets, and of ranges where the dump writes them so. */
export const addressSet = (nets: readonly Net[], ranges: readonly { readonly first: Ip; readonly last: Ip }[] = []): AddressSet => {
  const byLength = new Map<string, { readonly family: 4 | 6; readonly hostBits: bigint; readonly networks: Set<bigint> }>()
  for (const { family, hostBits, network } of nets) {
    const key = `${family} ${hostBits}`
    const group = byLength.get(key) ?? { family, hostBits, networks: new Set<bigint>() }
    byLength.set(key, group)
    group.networks.add(network)
  }
  const groups = [...byLength.values()]
  return {
    has: (ip) =>
      groups.some(({ family, hostBits, networks }) => family === ip.family && networks.has(ip.value >> hostBits)) ||
      ranges.some(({ first, last }) => first.family === ip.family && first.value <= ip.value && ip.value <= last.value),
  }
}

/** An ipset: what it holds, asked with the directions its match names. */
export type IpSet = (header: Header, directions: readonly string[]) => boolean

/**
 * Reads `ipset save`.
 * @throws Error for a type of set the interpreter does not know
 */
export const parseIpSets = (text: string): ReadonlyMap<string, IpSet> => {
  const types = new Map<string, string>()
  const members = new Map<string, { readonly text: string; readonly except: boolean }[]>()
  for (const line of text.split('\n')) {
    const [verb, name = '', third = '', ...rest] = line.trim().split(/\s+/)
    if (verb === 'create') {
      types.set(name, third)
      members.set(name, [])
    } else if (verb === 'add') members.get(name)?.push({ text: third, except: rest.includes('nomatch') })
  }
  return new Map([...types].map(([name, type]) => [name, makeSet(name, type, members.get(name) ?? [])]))
}

const makeSet = (name: string, type: string, members: readonly { readonly text: string; readonly except: boolean }[]): IpSet => {
  if (members.some(({ except }) => except)) throw new Error(`ipset ${name} has exceptions, which are not read here`)
  const texts = members.map((member) => member.text)
  switch (type) {
    case 'hash:ip':
    case 'hash:net': {
      const addresses = addressSet(texts.map(netOf))
      return (header, [side]) => addresses.has(side === 'src' ? header.source : header.destination)
    }
    case 'hash:ip,port': {
      const keys = new Set(
        texts.map((text) => {
          const [address = '', port = ''] = text.split(',')
          const [protocol = '', number = ''] = port.split(':')
          return keyOf(netOf(address), protocolOf(protocol), Number(number))
        }),
      )
      return (header, [ipSide, portSide]) => {
        const port = portSide === 'src' ? header.sourcePort : header.destinationPort
        const ip = ipSide === 'src' ? header.source : header.destination
        return port !== undefined && keys.has(keyOf({ network: ip.value }, header.protocol, port))
      }
    }
    case 'hash:net,net': {
      const pairs = texts.map((text) => text.split(',').map(netOf))
      return (header, [one, other]) => {
        const sides = [one, other].map((side) => (side === 'src' ? header.source : header.destination))
        return pairs.some((nets) => nets.every((net, index) => sides[index] !== undefined && holds(net, sides[index])))
      }
    }
    default:
      throw new Error(`ipset ${name} is of type ${type}, which is not read here`)
  }
}

const keyOf = ({ network }: Pick<Net, 'network'>, protocol: number, port: number): string => `${network} ${protocol} ${port}`
