import type { RunInPod } from '../cluster/exec.ts'
import { FwError } from '../errors.ts'
import { fieldsOf, textAt } from './json.ts'
import type { Objects } from './objects.ts'

/** A command's output as a script on a node would frame it. */
const section = (name: string, text: string, code = 0): string => `@@ ${name}\n${text}\n\n@@ end ${code}\n`

/**
 * What a look into a node shows where the node is only pretended: its NIC as its annotations tell it, a default route, and no firewall of its own. It answers
 * whatever is asked with that, and is good for the look before a run alone.
 */
export const createNodeShell =
  ({ get }: Pick<Objects, 'get'>): RunInPod =>
  async ({ namespace, pod }) => {
    const node = textAt(get({ apiVersion: 'v1', kind: 'Pod', namespace, name: pod }), 'spec', 'nodeName')
    const object = node === undefined ? undefined : get({ apiVersion: 'v1', kind: 'Node', name: node })
    if (object === undefined) throw new FwError('FW_NOT_FOUND', `not found: Pod ${namespace}/${pod}`)
    const annotations = fieldsOf(object.metadata.annotations)
    const [address = '', prefix = '24'] = String(annotations['projectcalico.org/IPv4Address'] ?? '').split('/')
    const nic = { ifname: 'ens160', link_type: 'ether', flags: ['BROADCAST', 'UP'], addr_info: [{ local: address, prefixlen: Number(prefix) }] }
    return {
      stdout: [
        section('addr', JSON.stringify([nic])),
        section('route4', JSON.stringify([{ dst: 'default', gateway: address.replace(/\d+$/, '1'), dev: nic.ifname }])),
        section('route6', ''),
        section('nft4', '*filter\n:INPUT ACCEPT [0:0]\n:cali-INPUT - [0:0]\n:KUBE-SERVICES - [0:0]\n-A INPUT -j cali-INPUT\nCOMMIT'),
        section('nft6', ''),
        section('chains', JSON.stringify({ nftables: [] })),
      ].join(''),
      stderr: '',
      exitCode: 0,
    }
  }
