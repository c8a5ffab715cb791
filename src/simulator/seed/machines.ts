/** One machine of the home cluster. */
export interface Machine {
  /** Short name; the Node is `<short>.kryukov.local`. */
  readonly short: string
  readonly address: string
  readonly controlPlane: boolean
  /** /24 of its pods. */
  readonly podCidr: string
}

const all = [
  ['control1', 171],
  ['ws1', 174],
  ['ws2', 175],
  ['ws3', 176],
  ['ws4', 177],
] as const

/** The first machines of the home cluster, control1 before the workers. */
export const machines = (count: number): Machine[] =>
  all.slice(0, count).map(([short, last], index) => ({
    ...{ short, address: `192.168.218.${last}`, controlPlane: index === 0, podCidr: `10.233.${64 + index}.0/24` },
  }))

/** The Node name of a machine. */
export const nodeName = ({ short }: Pick<Machine, 'short'>): string => `${short}.kryukov.local`

/** The n-th pod address on a machine. */
export const podAddress = ({ podCidr }: Machine, n: number): string => podCidr.replace(/0\/24$/, `${n}`)

/** Addresses of the home cluster that are no node's own. */
export const homeAddresses = { apiVip: '192.168.218.189', apiVipPort: 7443, ingressVip: '192.168.218.180', balancer: '192.168.218.188' } as const
