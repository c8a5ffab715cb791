import { byText } from '../firewall/by-text.ts'
import { standsWithNodes } from '../firewall/facts/api-places.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { addressesOf } from '../firewall/objects/network-sets.ts'
import { doorsOf } from '../firewall/plan/openings.ts'
import { suggestions } from '../firewall/plan/suggestions.ts'
import { familyOf } from '../net/address.ts'
import { hostCidr } from '../net/cidr.ts'
import { counted, listed } from './wrap.ts'

/** One answer on offer: a value of the question's flag. */
interface Offer {
  readonly value: string
  readonly name: string
  /** Taken by default. */
  readonly checked: boolean
}

/** One question of the wizard, as data; its answers are values of its flag, so that a flag answers it beforehand. */
export interface WizardQuestion {
  readonly id: 'interfaces' | 'trust' | 'vips' | 'nodePorts' | 'open' | 'failsafes'
  readonly flag: string
  readonly message: string
  /** What hangs on it. */
  readonly why: string
  readonly form: 'several' | 'text' | 'one'
  readonly offers: readonly Offer[]
  /** Asked for one more answer in words when this offer is taken. */
  readonly other?: { readonly value: string; readonly message: string }
  /** At least one answer. */
  readonly required: boolean
  /** Whether `--yes` may take the defaults. */
  readonly defaultsFor: 'anyone' | 'nobody'
}

/** The wizard's questions for this cluster, in order; what cannot be asked sensibly is left out. */
export const questionsFor = (facts: Facts): WizardQuestion[] => [
  interfaces(facts),
  trust(facts),
  ...vips(facts),
  ...nodePorts(facts),
  ...open(facts),
  failsafes(facts),
]

/** The answers nobody need give. */
export const defaultAnswers = ({ offers }: WizardQuestion): string[] => offers.filter(({ checked }) => checked).map(({ value }) => value)

const interfaces = ({ nodes, gatheredAt }: Facts): WizardQuestion => {
  const closable = nodes.filter(({ operatingSystem, ready }) => operatingSystem === 'linux' && ready)
  const names = [...new Set(closable.flatMap((node) => node.interfaces.map(({ name }) => name)))].sort(byText)
  const offers = names.flatMap((name): Offer[] => {
    const holders = closable.filter((node) => node.interfaces.some((one) => one.name === name))
    const isMain = holders.some((node) => {
      const own = node.interfaces.find((one) => one.name === name)?.addresses ?? []
      return node.addresses.some(({ address }) => own.includes(address))
    })
    const where = holders.length === closable.length ? `every node (${holders.length})` : holdersInWords(holders.map((node) => node.name))
    return [{ value: name, name: `${name} on ${where}${ageInWords(holders, name, gatheredAt)}`, checked: isMain }]
  })
  return {
    id: 'interfaces',
    flag: '--interface',
    message: 'Which network interfaces should close?',
    why: 'Whatever comes in on them is refused unless something below allows it. What leaves the nodes stays open; so do interfaces you do not choose.',
    form: offers.length === 0 ? 'text' : 'several',
    offers,
    required: true,
    defaultsFor: offers.length === 0 ? 'nobody' : 'anyone',
  }
}

const holdersInWords = (names: readonly string[]): string =>
  names.length < 4 ? listed(names) : `${names.length} nodes (${names.slice(0, 3).join(', ')} ...)`

/** How old the oldest word of an annotation is; what was just looked at needs none. */
const ageInWords = (holders: Facts['nodes'], name: string, gatheredAt: string): string => {
  const told = holders.flatMap(({ interfaces }) => interfaces.filter((one) => one.name === name && one.source.startsWith('annotation')))
  if (told.length === 0) return ''
  const days = told.flatMap(({ at }) => (at === undefined ? [] : [Math.floor((Date.parse(gatheredAt) - Date.parse(at)) / 86_400_000)]))
  return days.length === 0 || Math.max(...days) < 1 ? ', by annotation' : `, by an annotation of ${counted(Math.max(...days), 'day')} ago`
}

const trust = (facts: Facts): WizardQuestion => {
  const always = [...facts.podCidrs, ...facts.serviceCidrs]
  const nodeAddresses = new Set(facts.nodes.flatMap(addressesOf))
  const own = facts.operatorAddresses.filter((address) => !nodeAddresses.has(address))
  const networks = [...new Set(facts.nodes.flatMap((node) => node.networks ?? []))].sort(byText)
  return {
    id: 'trust',
    flag: '--trust',
    message: 'Which networks have full access to every port?',
    why: `The nodes themselves, pods and Services (${always.join(', ')}) always have it. Danger: everyone in a trusted network reaches every port.`,
    form: 'several',
    offers: [
      ...own.map((address) => ({ value: hostCidr(address), name: `${hostCidr(address)} (this machine)`, checked: false })),
      ...networks.map((net) => ({ value: net, name: `${net} (the nodes' own network: closes nothing to neighbours)`, checked: false })),
      { value: 'other', name: 'another network ...', checked: false },
    ],
    other: { value: 'other', message: 'Networks, with commas between them' },
    required: false,
    defaultsFor: 'anyone',
  }
}

const vips = (facts: Facts): WizardQuestion[] => {
  const nodeAddresses = new Set(facts.nodes.flatMap(addressesOf))
  const byAddress = new Map<string, { ports: Set<string>; from: Set<string> }>()
  const add = (address: string, port: string, from: string): void => {
    const known = byAddress.get(address) ?? { ports: new Set(), from: new Set() }
    known.ports.add(port)
    known.from.add(from)
    byAddress.set(address, known)
  }
  for (const { address, protocol, port, service } of doorsOf(facts)) {
    if (address !== undefined) add(address, `${port}/${protocol.toLowerCase()}`, `Service ${service}`)
  }
  for (const { address, port } of facts.apiEndpoints.filter(standsWithNodes(facts)))
    if (!nodeAddresses.has(address)) add(address, `${port}/tcp`, 'the API')
  if (byAddress.size === 0) return []
  return [
    {
      id: 'vips',
      flag: '--vip',
      message: 'Which of these addresses stay open to everyone?',
      why: 'Load balancer and API addresses found in this cluster. Danger: what is not chosen is closed to everyone outside, and its users are cut off.',
      form: 'several',
      offers: [...byAddress].map(([address, { ports, from }]) => {
        const host = familyOf(address) === 6 ? `[${address}]` : address
        return { value: `${host}:${[...ports].join(',')}`, name: `${address} ${[...ports].join(', ')} (${listed([...from])})`, checked: true }
      }),
      required: false,
      defaultsFor: 'anyone',
    },
  ]
}

const nodePorts = (facts: Facts): WizardQuestion[] => {
  const doors = doorsOf(facts).filter(({ address }) => address === undefined)
  if (doors.length === 0) return []
  const specs = [...new Map(doors.map((door) => [`${door.port}/${door.protocol.toLowerCase()}`, door])).keys()]
  return [
    {
      id: 'nodePorts',
      flag: '--node-ports',
      message: 'What happens to the NodePorts?',
      why: `Services listen on every node at ${listed(specs.slice(0, 6))}${specs.length > 6 ? ` and ${specs.length - 6} more` : ''}. Danger: a load balancer outside the cluster may live on them.`,
      form: 'one',
      offers: [
        { value: 'close', name: 'close them all', checked: true },
        { value: 'choose', name: 'keep some open ...', checked: false },
        { value: 'open', name: 'keep them all open', checked: false },
      ],
      other: { value: 'choose', message: `NodePorts to keep open, of ${specs.slice(0, 6).join(', ')}` },
      required: true,
      defaultsFor: 'nobody',
    },
  ]
}

const open = (facts: Facts): WizardQuestion[] => {
  const offered = suggestions(facts)
  if (offered.length === 0) return []
  return [
    {
      id: 'open',
      flag: '--open',
      message: 'Which of these ports of the nodes stay open?',
      why: 'Routers and pods serve the outside on them. Danger: what is not chosen is closed, and who needs it is cut off.',
      form: 'several',
      offers: offered.map(({ value, reason }) => ({ value, name: `${value} (${reason})`, checked: true })),
      required: false,
      defaultsFor: 'anyone',
    },
  ]
}

const failsafes = (facts: Facts): WizardQuestion => {
  const known = Object.values(facts.failsafes).map(({ inbound }) => inbound.ports)
  const isEverywhere = (port: number): boolean =>
    known.every((ports) => ports.some((one) => one.protocol.toUpperCase() === 'TCP' && one.port === port && !one.net))
  const missing = [...new Set(facts.apiEndpoints.filter(standsWithNodes(facts)).map(({ port }) => port))]
    .filter((port) => !isEverywhere(port))
    .sort((one, other) => one - other)
  return {
    id: 'failsafes',
    flag: '--failsafe',
    message: 'Which more ports become failsafes?',
    why: 'A failsafe stays open on every node, to everyone, whatever any policy says: the last way in. Every API port is made one, or the nodes could not reach the API.',
    form: 'text',
    offers: missing.map((port) => ({ value: `${port}/tcp`, name: `${port}/tcp`, checked: true })),
    required: false,
    defaultsFor: 'anyone',
  }
}
