import type { Lab } from '../lab.ts'
import { inNamespace } from '../machine/namespaces.ts'
import { run } from '../machine/run.ts'

/**
 * Lets a place send 127.0.0.0/8 out on the wire to a node, as an attacker on the same LAN does with packets of its own making: its local table
 * gives way to a route, and the kernel's guard against such addresses on the way out and back is off. Undone by the function returned.
 */
export const sendLoopbackTo = async (lab: Lab, place: string, node: string): Promise<() => Promise<void>> => {
  const namespace = [...lab.layout.neighbours, lab.layout.stranger].find(({ name }) => name === place)?.namespace ?? ''
  const shell = (script: string) => run(inNamespace(namespace, ['bash', '-ec', script]))
  await shell(`
    sysctl -qw net.ipv4.conf.all.route_localnet=1
    ip route replace 127.0.0.0/8 via ${lab.node(node).address} table 77
    ip rule add pref 5 to 127.0.0.0/8 lookup 77
    ip rule add pref 9 lookup local
    ip rule del pref 0`)
  return async () => {
    await shell(`
      ip rule add pref 0 lookup local
      ip rule del pref 9
      ip rule del pref 5
      ip route flush table 77
      sysctl -qw net.ipv4.conf.all.route_localnet=0`)
  }
}
