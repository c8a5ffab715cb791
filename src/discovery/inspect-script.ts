import { type SocketQuestions, socketLines } from './inspect-sockets.ts'

/**
 * What is asked of a node, in one go: calico-node's image has bash, ip, timeout, sed and both iptables everywhere, nft since 3.29
 * (node/clean-up-filesystem.sh). Each command's output stands between `@@ NAME` and `@@ end CODE`. It only reads: iptables-legacy-save would load
 * kernel modules for a table that is not there, so it is asked only where the filter table exists. Rules of Calico's own chains are left out.
 */
export const inspectScript = (questions: SocketQuestions): string =>
  [
    'set -o pipefail',
    's() { echo "@@ $1"; shift; timeout 5 "$@"; c=$?; echo; echo "@@ end $c"; }',
    "rules() { timeout 5 \"$1\" -t filter | sed -e '/^-A cali-/d' -e '/^:cali-[ft]/d'; }",
    'r() { echo "@@ $1"; rules "$2"; c=$?; echo; echo "@@ end $c"; }',
    's addr ip -j -d addr',
    's route4 ip -j -4 route show default',
    's route6 ip -j -6 route show default',
    'if grep -qs "^filter$" /proc/net/ip_tables_names; then r legacy4 iptables-legacy-save; fi',
    'if grep -qs "^filter$" /proc/net/ip6_tables_names; then r legacy6 ip6tables-legacy-save; fi',
    'r nft4 iptables-nft-save',
    'r nft6 ip6tables-nft-save',
    's chains nft -j list chains',
    'for k in net/ipv4/vs/conntrack net/ipv4/conf/all/route_localnet net/bridge/bridge-nf-call-iptables; do',
    '  if [ -e "/proc/sys/$k" ]; then s "sysctl.$k" cat "/proc/sys/$k"; fi',
    'done',
    ...socketLines(questions),
    'exit 0',
  ].join('\n')
