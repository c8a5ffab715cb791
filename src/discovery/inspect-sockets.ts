import { type Address, addressOf, familyOf, numberOf } from '../net/address.ts'

/** What is asked of a node's open sockets. */
export interface SocketQuestions {
  /** Ports an API server on the node may listen on. */
  readonly apiPorts: readonly number[]
  /** Addresses of ours. */
  readonly own: readonly Address[]
}

const ntpPort = 123

/** A number as the kernel prints it in /proc/net: upper-case hexadecimal of this many digits. */
const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0')

/** An address as /proc/net/tcp prints it: words of four bytes, each in the machine's own order, which is little-endian wherever Calico runs but on s390x. */
export const procAddress = (address: Address): string => {
  const digits = numberOf(address)
    .toString(16)
    .padStart(familyOf(address) === 4 ? 8 : 32, '0')
  return [...digits.matchAll(/(..)(..)(..)(..)/g)].map(([, a, b, c, d]) => `${d}${c}${b}${a}`.toUpperCase()).join('')
}

const readProc = (text: string): Address | undefined => {
  if (!/^[0-9A-F]+$/.test(text)) return undefined
  const mapped = /^0000000000000000FFFF0000([0-9A-F]{8})$/.exec(text)?.[1]
  const digits = (mapped ?? text).replaceAll(/(..)(..)(..)(..)/g, '$4$3$2$1')
  if (digits.length === 8) return addressOf(4, BigInt(`0x${digits}`))
  return digits.length === 32 ? addressOf(6, BigInt(`0x${digits}`)) : undefined
}

/**
 * Lines of a script that tell where this node asks for the time, and which addresses of ours have a connection to an API server on it. Nothing else of its
 * sockets is printed. bash alone reads them: the image has neither ss nor awk.
 */
export const socketLines = ({ apiPorts, own }: SocketQuestions): string[] => [
  'echo "@@ ntp"',
  `while read -r _ l r s _; do case "$r" in *:${hex(ntpPort, 4)}) echo "$r";; esac; done < <(cat /proc/net/udp /proc/net/udp6 2>/dev/null)`,
  'echo "@@ end 0"',
  ...(own.length === 0 || apiPorts.length === 0
    ? []
    : [
        'echo "@@ operator"',
        `while read -r _ l r s _; do case "$s $l" in ${apiPorts.map((port) => `"01 "*:${hex(port, 4)}`).join('|')}) case "$r" in ${own
          .map((address) => `*${procAddress(address)}:*`)
          .join('|')}) echo "$r";; esac;; esac; done < <(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)`,
        'echo "@@ end 0"',
      ]),
]

/** The distinct addresses in lines as /proc/net prints an end of a connection. */
export const endsIn = (text: string): Address[] => [
  ...new Set(
    text.split('\n').flatMap((line) => {
      const found = readProc(line.trim().split(':')[0] ?? '')
      return found === undefined ? [] : [found]
    }),
  ),
]
