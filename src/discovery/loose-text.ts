import { type Address, bitsOf, familyOf, isAddress, parseAddress } from '../net/address.ts'
import { type Cidr, contains, networkOf, parseCidr } from '../net/cidr.ts'

/** The address in a text of the cluster's: bare, or with a prefix length as in `192.168.218.171/24`. Undefined where there is none. */
export const addressIn = (text: string | undefined): Address | undefined => {
  const [host = ''] = (text ?? '').trim().split('/')
  return isAddress(host) ? parseAddress(host) : undefined
}

/** The network in a text of the cluster's, host bits dropped: `192.168.218.171/24` stands in 192.168.218.0/24. Undefined without a prefix length. */
export const networkIn = (text: string | undefined): Cidr | undefined => {
  const address = addressIn(text)
  const length = /\/(\d{1,3})$/.exec((text ?? '').trim())?.[1]
  if (address === undefined || length === undefined || Number(length) > bitsOf(familyOf(address))) return undefined
  return networkOf(address, Number(length))
}

/** The networks in a list separated by commas, as kubeadm and kube-apiserver write them. */
export const networksIn = (text: string | undefined): Cidr[] => (text ?? '').split(',').flatMap((part) => networkIn(part) ?? [])

const nobodysOwn = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '::/128', '::1/128', 'fe80::/10', 'ff00::/8'].map(parseCidr)

/** Whether an address can tell one machine from another: not loopback, link-local (the same on every node with NodeLocal DNS), multicast or unspecified. */
export const isDistinct = (address: Address): boolean => !nobodysOwn.some((net) => contains(net, address))

/** Host and port of `https://host:port`, `host:port`, `[v6]:port` or a bare host; the port falls back to `defaultPort`. Undefined where there is no host. */
export const hostPortIn = (text: string | undefined, defaultPort: number): { readonly host: string; readonly port: number } | undefined => {
  const bare = (text ?? '').trim()
  if (bare === '') return undefined
  if (isAddress(bare)) return { host: bare, port: defaultPort }
  const withScheme = /^[a-z]+:\/\//i.test(bare) ? bare : `https://${bare}`
  if (!URL.canParse(withScheme)) return undefined
  const url = new URL(withScheme)
  const written = /:(\d+)(?:\/|$)/.exec(withScheme.replace(/^[a-z]+:\/\//i, '').replace(/^\[[^\]]*\]/, ''))?.[1]
  const port = written === undefined ? defaultPort : Number(written)
  return url.hostname === '' ? undefined : { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port }
}
