import type { ApiEndpoint } from '../firewall/facts/facts.ts'

/** What one look is to show. */
export interface LookRequest {
  /** Where Felix or Typha reach the API; asked for a TCP handshake each. */
  readonly peers: readonly Pick<ApiEndpoint, 'address' | 'port'>[]
  /** What it has programmed, too; with the members of IP sets, which are many, only where they matter. Else only how it does. */
  readonly rules: 'none' | 'chains' | 'chains and sets'
  /** Where Felix tells whether it is ready; undefined where it does not. */
  readonly healthPort: number | undefined
  /** Where Felix serves its metrics, if it does. */
  readonly metricsPort: number
}

/**
 * How Felix does on a node and what it has programmed for host endpoints, in one go; sections as in `inspectScript`. calico-node's image has bash, sed,
 * timeout, ipset and both iptables, nft since 3.29; neither curl nor ps nor tr. Felix is told from other nodes' Felixes by its network namespace: it runs
 * hostNetwork, and where process ids are shared all of them show.
 */
export const felixScript = ({ peers, rules, healthPort, metricsPort }: LookRequest): string =>
  [
    'set -o pipefail',
    'me=$(readlink /proc/self/ns/net)',
    'echo "@@ felix"',
    'for p in /proc/[0-9]*; do',
    '  read -r comm 2>/dev/null <"$p/comm" || continue',
    '  case "$comm" in calico*) ;; *) continue ;; esac',
    '  [ "$(readlink "$p/ns/net")" = "$me" ] || continue',
    '  grep -qsa felix "$p/cmdline" || continue',
    // kubelet's probes are calico-node too: `-felix-ready`, `-felix-live`, and `health --felix-ready` from 3.33 on.
    '  grep -qsaE "felix-(ready|live)" "$p/cmdline" || cat "$p/stat" 2>/dev/null',
    'done',
    'echo "@@ end 0"',
    'echo "@@ uptime"; cat /proc/uptime; echo "@@ end 0"',
    // All at once, and told one after the other: bash writes line by line, and sections must not mix.
    ...(healthPort === undefined ? [] : [`exec 4< <(${get(healthPort, '/readiness')}; c=$?; echo; echo "@@ end $c")`]),
    ...(rules === 'none' ? [] : [`exec 5< <(${get(metricsPort, '/metrics')} | sed -n "/^felix_int_dataplane_failures/p"; echo "@@ end $?")`]),
    ...peers.map(({ address, port }, at) => `timeout 2 bash -c '</dev/tcp/${address}/${port}' 2>/dev/null & p${at}=$!`),
    ...peers.map(({ address, port }, at) => `wait $p${at}; c=$?; echo "@@ peer.${address}.${port}"; echo "@@ end $c"`),
    ...(healthPort === undefined ? [] : ['echo "@@ readiness"; cat <&4']),
    ...(rules === 'none' ? [] : ['echo "@@ metrics"; cat <&5', ...ruleLines]),
    ...(rules === 'chains and sets' ? [setLine] : []),
    'exit 0',
  ].join('\n')

/** HTTP by bash alone. */
const get = (port: number, path: string): string =>
  `timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port} && printf "GET ${path} HTTP/1.0\\r\\n\\r\\n" >&3 && cat <&3' 2>/dev/null`

const ruleLines = [
  'own() { sed -n -e "/^\\*/p" -e "/^-A cali-[ft]h/p" -e "/^-A cali-[gp][io]-/p" -e "/^-A cali-failsafe/p"; }',
  's() { echo "@@ $1"; timeout 5 "$2" | own; c=$?; echo "@@ end $c"; }',
  'if grep -qs "^mangle$" /proc/net/ip_tables_names; then s legacy4 iptables-legacy-save; fi',
  'if grep -qs "^mangle$" /proc/net/ip6_tables_names; then s legacy6 ip6tables-legacy-save; fi',
  's nft4 iptables-nft-save 2>/dev/null',
  's nft6 ip6tables-nft-save 2>/dev/null',
  'n() { echo "@@ $1"; timeout 5 nft list table "$2" calico 2>/dev/null | sed "/^\\tchain [a-z]*-cali-[ft]w-/,/^\\t}/d"; c=$?; echo "@@ end $c"; }',
  'n native4 ip',
  'n native6 ip6',
]
const setLine = 'echo "@@ ipset"; timeout 5 ipset save 2>/dev/null | sed -n "/^add cali[46]0s/p"; c=$?; echo "@@ end $c"'

/** Felix's process as the kernel tells it. */
export interface FelixProcess {
  readonly pid: number
  /** `S` sleeps, `R` runs, `T` is stopped by a signal, `Z` has ended. */
  readonly state: string
  /** Clock ticks after boot: tells one run of Felix from the next. */
  readonly start: number
}

/** The processes in lines of /proc/PID/stat, the oldest first: it is Felix, what it or others start beside it is younger. A command's name may hold spaces and brackets. */
export const processesIn = (text: string): FelixProcess[] => {
  const processes = text.split('\n').flatMap((line) => {
    const match = /^(\d+) \(.*\) (\S) (.*)$/.exec(line)
    const start = Number(match?.[3]?.split(' ')[18])
    return match === null || !Number.isFinite(start) ? [] : [{ pid: Number(match[1]), state: match[2] ?? '?', start }]
  })
  return processes.sort((one, other) => one.start - other.start)
}

/** What Felix says of itself: `ready`, the component that is not, or nothing, where it does not answer or reports no health. */
export const readinessIn = (text: string): { readonly ready: boolean; readonly why?: string } | undefined => {
  const status = /^HTTP\/1\.\d (\d{3})/.exec(text.trim())?.[1]
  if (status === undefined) return undefined
  if (status === '200' || status === '204') return { ready: true }
  const component = text
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .find((cells) => cells.length > 4 && cells[1] !== 'COMPONENT' && !/^reporting ready$|^-?$/.test(cells[4] ?? ''))
  return { ready: false, ...(component === undefined ? {} : { why: [component[1], component[4], component[5]].filter(Boolean).join(', ') }) }
}
