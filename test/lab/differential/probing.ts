import type { Connection, Verdict } from '../../../src/verdict/model.ts'
import type { Lab } from '../lab.ts'
import { inParallel } from '../machine/run.ts'
import type { Answer, Target } from '../packets/protocol.ts'
import { type Comparison, senderOf } from './judging.ts'
import { type Terrain, tcpPorts, udpPorts } from './terrain.ts'

/** A packet the lab can really send: from a machine it has, to a port somebody answers on, by a way its routes know. */
export const isSendable = (
  lab: Pick<Lab, 'layout'>,
  { held, pods, nodes }: Terrain,
  connection: Connection,
  fronts: ReadonlySet<string>,
): boolean => {
  const { source, destination, protocol, port, sourcePort, icmp, via } = connection
  const sender = senderOf(lab, connection)
  if (sender === undefined || source === destination) return false
  const isNodes = nodes.some(({ address }) => address === destination) || held.some(({ address }) => address === destination)
  const isMachine = isNodes || senderOf(lab, { ...connection, source: destination }) !== undefined
  // The lab's own echo on this port answers from the node's first address, whatever address it was asked at.
  if (protocol === 'UDP' && port === 9100 && held.some(({ address }) => address === destination)) return false
  // To another address of its own a node calls from that address.
  if (held.some((one) => one.address === destination && sender === one.node)) return false
  const isFront = fronts.has(`${destination} ${protocol} ${port}`)
  const fromOutside = !nodes.some(({ address }) => address === source) && !pods.includes(source)
  // Only the prepared client has routes to pods and ClusterIPs, and by one node.
  if (fromOutside && !isNodes && (sender !== 'win' || via !== nodes.find(({ controlPlane }) => !controlPlane)?.fqdn)) return false
  // Two machines outside speak past the cluster.
  if (fromOutside && isMachine && !isNodes && !pods.includes(destination)) return false
  if (protocol === 'ICMP') return icmp?.type === 8 && isMachine
  if (port === undefined || sourcePort === undefined) return false
  // A port that something listens on is no caller's.
  if ((protocol === 'TCP' ? tcpPorts : udpPorts).some((own) => own === sourcePort)) return false
  if (protocol === 'TCP') return isFront || (isMachine && tcpPorts.some((own) => own === port))
  return protocol === 'UDP' && (isFront || (isMachine && udpPorts.some((own) => own === port)))
}

/** Packets are patient for one retransmitted SYN. */
const timeoutMs = 1300
const secondTimeoutMs = 3500

const targetOf = ({ destination, protocol, port = 0, sourcePort }: Connection): Target =>
  protocol === 'ICMP'
    ? { protocol: 'icmp', host: destination }
    : { protocol: protocol === 'TCP' ? 'tcp' : 'udp', host: destination, port, ...(sourcePort === undefined ? {} : { from: sourcePort }) }

/** Sends packets, all at the same time, each from its place and port; answers in their order. */
export const sendAll = async (lab: Lab, connections: readonly Connection[], patient = false): Promise<Answer[]> => {
  await forgetDatagrams(lab)
  const answers = Array<Answer>(connections.length).fill('ERR:unsent')
  const senders = [...new Set(connections.map((connection) => senderOf(lab, connection) ?? ''))]
  await inParallel(senders.length, senders, async (sender) => {
    const own = connections.flatMap((connection, index) => (senderOf(lab, connection) === sender ? [{ connection, index }] : []))
    const got = await lab.agent(sender).probe(
      own.map(({ connection }) => targetOf(connection)),
      patient ? secondTimeoutMs : timeoutMs,
    )
    for (const [at, { index }] of own.entries()) answers[index] = got[at] ?? 'ERR:unanswered'
  })
  return answers
}

/** A datagram from a port that spoke a moment ago would pass as established. TCP forgets a reset connection by itself. */
const forgetDatagrams = async (lab: Lab): Promise<void> => {
  await inParallel(3, lab.layout.nodes, async ({ name }) => {
    await lab.exec(name, ['bash', '-c', 'conntrack -D -p udp; conntrack -D -p icmp; true'])
  })
}

/**
 * Compares the model's word with an answer. Felix drops in silence; a refusal comes from a port nobody listens on, or from kube-proxy for a Service without
 * endpoints. To a datagram that doNotTrack policy let in it tells nothing: untracked it is not translated, so it met the port behind no Service, and over nftables
 * the kernel's refusal leaves where a listener's answer, a new packet, would be judged.
 */
export const compareWithAnswer = ({ action, decisions }: Verdict, answer: Answer, protocol: Connection['protocol']): Comparison => {
  if (action === 'unknown') return 'unknown'
  if (answer === 'REFUSED') {
    if (action === 'allow' || decisions.at(-1)?.stage === 'service') return 'agree'
    return protocol === 'UDP' && decisions.some(({ stage }) => stage === 'doNotTrack') ? 'unknown' : 'disagree'
  }
  return (action === 'allow') === (answer === 'OPEN') ? 'agree' : 'disagree'
}
