import type { RunInPod } from '../cluster/pods/exec.ts'
import { FwError } from '../errors.ts'
import type { NodeFacts } from '../firewall/facts/facts.ts'
import type { Flow } from '../firewall/facts/flows.ts'
import { isAddress, parseAddress } from '../net/address.ts'

/**
 * The node's table of connections, one a line: protocol, source, destination, their ports, as the first packet had them. calico-node's image has conntrack and sed
 * (Felix itself calls conntrack); cut down there, for a busy node has hundreds of thousands of them.
 */
const script = [
  'set -o pipefail',
  "fields='s/^(ipv[46] +[0-9]+ +)?(tcp|udp|sctp) [^=]*src=([^ ]+) dst=([^ ]+) sport=([0-9]+) dport=([0-9]+).*/\\2 \\3 \\4 \\5 \\6/p'",
  'for family in ipv4 ipv6; do timeout 5 conntrack -L -f "$family" 2>/dev/null | sed -nE "$fields" || exit 3; done',
].join('\n')

/**
 * The connections a node has a memory of at this moment, those that ended a short while ago among them: TCP for two minutes, UDP for half a minute.
 * @throws FwError what the exec throws; FW_UNSEEN where the node has no conntrack to ask
 */
export const readFlows = async (
  { name, calicoNode }: NodeFacts,
  run: RunInPod,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<Flow[]> => {
  if (calicoNode === undefined) throw new FwError('FW_UNSEEN', `${name} has no calico-node pod to look from`)
  const { namespace, pod } = calicoNode
  const command = { namespace, pod, container: 'calico-node', command: ['bash', '-c', script], timeoutMs }
  const { stdout, exitCode } = await run({ ...command, ...(signal === undefined ? {} : { signal }) })
  if (exitCode !== 0)
    throw new FwError('FW_UNSEEN', `the connections of ${name} cannot be read`, { why: `conntrack in Pod ${namespace}/${pod} ends with ${exitCode}` })
  return flowsIn(stdout, name)
}

/** Lines of the script; anything else is left out. */
export const flowsIn = (text: string, node: string): Flow[] =>
  text.split('\n').flatMap((line): Flow[] => {
    const [protocol = '', source = '', destination = '', sourcePort = '', port = ''] = line.split(' ')
    if (!/^(tcp|udp|sctp)$/.test(protocol) || !isAddress(source) || !isAddress(destination) || !/^\d+$/.test(sourcePort) || !/^\d+$/.test(port))
      return []
    return [
      {
        ...{ node, source: parseAddress(source), destination: parseAddress(destination) },
        protocol: protocol.toUpperCase() as Flow['protocol'],
        ...{ sourcePort: Number(sourcePort), port: Number(port) },
      },
    ]
  })
