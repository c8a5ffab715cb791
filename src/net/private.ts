import type { Address } from './address.ts'
import { contains, parseCidr } from './cidr.ts'

const nets = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'].map(parseCidr)

/** Whether an address is of a private network (RFC 1918, RFC 6598, RFC 4193), which nobody outside routes. */
export const isPrivate = (address: Address): boolean => nets.some((net) => contains(net, address))
