import { FwError } from '../errors.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import type { HostInputRule } from '../firewall/facts/inspection.ts'

/** A node whose own firewall a HostEndpoint would open, with the rules Calico's accept comes before. */
export interface BypassedFirewall {
  readonly node: string
  readonly rules: readonly HostInputRule[]
}

/**
 * Nodes among these whose own INPUT rules drop what Calico would accept first: measured, an inert HostEndpoint alone opens what ufw had closed, and the
 * gate's expiry does not close it again. Rules in native nftables still hold: an accept ends its own chain alone.
 */
export const bypassedFirewalls = ({ nodes }: Pick<Facts, 'nodes'>, protectedNodes: ReadonlySet<string>): BypassedFirewall[] =>
  nodes
    .filter(({ name }) => protectedNodes.has(name))
    .map(({ name, inspected }) => ({ node: name, rules: inspected?.hostInput?.filter(({ bypassed }) => bypassed) ?? [] }))
    .filter(({ rules }) => rules.length > 0)

/** What ends the run before its first write. */
export const hostFirewallError = (found: readonly BypassedFirewall[]): FwError => {
  const [first] = found
  const [rule] = first?.rules ?? []
  const more = found.length > 1 ? ` (and of ${found.length - 1} more)` : ''
  const others = (first?.rules.length ?? 0) > 1 ? ` and ${(first?.rules.length ?? 0) - 1} more rules` : ''
  return new FwError('FW_HOST_FIREWALL', `a HostEndpoint would open what the own firewall of ${first?.node} closes${more}`, {
    why: `${rule?.chain}: ${rule?.text}${others}; Calico accepts a packet before those rules see it, whatever this firewall says`,
    fix: `write that rule into the firewall file, or retire it; or give it up by name: ${found.map(({ node }) => `--accept-host-firewall ${node}`).join(' ')}`,
  })
}
