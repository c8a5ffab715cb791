import { existsSync } from 'node:fs'

/** Programs the lab runs, with the Debian package each is in. */
const programs = {
  ip: 'iproute2',
  ss: 'iproute2',
  nft: 'nftables',
  ipset: 'ipset',
  conntrack: 'conntrack',
  'xtables-legacy-multi': 'iptables',
  'xtables-nft-multi': 'iptables',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  openssl: 'openssl',
  ping: 'iputils-ping',
  sysctl: 'procps',
} as const

/**
 * Says what this machine lacks for a lab.
 * @throws Error naming each missing thing and how to get it
 */
export const requireMachine = (platform: string, uid: number | undefined): void => {
  if (platform !== 'linux') throw new Error('the lab needs Linux: it is made of network namespaces')
  if (uid !== 0) throw new Error('the lab needs root: it makes network namespaces and mounts; run it with sudo')
  const missing = Object.entries(programs).filter(
    ([program]) => !['/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((folder) => existsSync(`${folder}/${program}`)),
  )
  if (missing.length > 0) {
    throw new Error(
      `missing: ${missing.map(([program]) => program).join(', ')}; on Debian: apt-get install ${[...new Set(missing.map(([, debian]) => debian))].join(' ')}`,
    )
  }
}
