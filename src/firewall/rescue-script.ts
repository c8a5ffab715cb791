/** The comment every rule of the rescue carries, so that it takes away its own and no other. */
export const rescueMark = 'calico-fw-rescue'

/**
 * A POSIX shell script that opens the node it runs on without the API: it accepts, before any policy of Calico's, what comes in and what the node itself sends.
 * Pods stay behind their own policies, for the FORWARD chain is not touched. Felix (3.32) takes foreign rules out of its chains, or puts its own before them,
 * from time to time and at every restart, so a keeper on the node looks once a second and puts them back; it ends by itself after `seconds`, and then everything
 * is as Felix says.
 */
export const rescueScript = (seconds: number): string => `#!/bin/sh
# Opens this node for ${seconds} s although Calico's policies close it. Run as root on the node; needs no API.
mark=${rescueMark}

# The iptables whose tables Calico's chains are in: legacy or nft, under whatever name this node has them.
tools() {
  for tool in iptables-legacy iptables-nft iptables ip6tables-legacy ip6tables-nft ip6tables; do
    if "$tool-save" -t mangle 2>/dev/null | grep -q cali-PREROUTING; then echo "$tool"; fi
  done
}
# Families whose nftables table Felix keeps by itself.
families() {
  for family in ip ip6; do
    if nft list table "$family" calico >/dev/null 2>&1; then echo "$family"; fi
  done
}
first() { "$1" -w 5 -t "$2" -S "$3" 2>/dev/null | sed -n 2p | grep -q -- "$mark"; }
handles() { nft -a list chain "$1" calico "$2" 2>/dev/null | sed -n "s/.*$mark.*# handle \\([0-9]*\\)$/\\1/p"; }

open() {
  for tool in $tools; do
    for chain in mangle:PREROUTING filter:INPUT filter:OUTPUT; do
      first "$tool" "\${chain%:*}" "\${chain#*:}" || "$tool" -w 5 -t "\${chain%:*}" -I "\${chain#*:}" -m comment --comment "$mark" -j ACCEPT
    done
  done
  for family in $families; do
    for chain in mangle-PREROUTING filter-INPUT filter-OUTPUT; do
      [ -n "$(handles "$family" "$chain")" ] || nft insert rule "$family" calico "$chain" accept comment "\\"$mark\\"" 2>/dev/null
    done
  done
}
shut() {
  for tool in $tools; do
    for chain in mangle:PREROUTING filter:INPUT filter:OUTPUT; do
      while "$tool" -w 5 -t "\${chain%:*}" -D "\${chain#*:}" -m comment --comment "$mark" -j ACCEPT 2>/dev/null; do :; done
    done
  done
  for family in $families; do
    for chain in mangle-PREROUTING filter-INPUT filter-OUTPUT; do
      for handle in $(handles "$family" "$chain"); do nft delete rule "$family" calico "$chain" handle "$handle"; done
    done
  done
}

tools=$(tools)
families=$(families)
if [ -z "$tools$families" ]; then
  echo "no rules of Calico's are on $(hostname): nothing to open (are you root?)" >&2
  exit 1
fi
open
(
  trap 'shut; exit 0' TERM INT
  trap '' HUP
  left=${seconds}
  while [ "$left" -gt 0 ]; do
    open
    sleep 1 &
    wait $!
    left=$((left - 1))
  done
  shut
) </dev/null >/dev/null 2>&1 &
echo "$(hostname) is open for ${seconds} s:" $tools $(for family in $families; do echo "nft-$family"; done)
echo "to end it sooner, there: kill $!"
`
