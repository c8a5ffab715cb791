/** An interface as Felix knows it: a VLAN or veth shows with its parent, as `eth0.100@eth0`, and is `eth0.100` (felix#1280). */
export const interfaceName = (shown: string): string => shown.replace(/@.*$/, '')
