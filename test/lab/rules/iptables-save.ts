import { holds, ipOf, netOf, protocolOf } from './header.ts'
import { masquerade, translated } from './nat.ts'
import type { BaseChain, Chain, CtState, Flight, Hook, Statement, Table, Verdict } from './ruleset.ts'
import type { IpSet } from './sets.ts'

const hooks: Readonly<Record<string, Hook>> = {
  PREROUTING: 'prerouting',
  INPUT: 'input',
  FORWARD: 'forward',
  OUTPUT: 'output',
  POSTROUTING: 'postrouting',
}

const priorities: Readonly<Record<string, number>> = { raw: -300, mangle: -150, filter: 0, security: 50 }

/**
 * Reads what `iptables-save` or `ip6tables-save` prints. A match or target it does not know is an error: a rule that is read halfway lies.
 * @throws Error naming the rule
 */
export const parseIptablesSave = (text: string, family: 4 | 6, sets: ReadonlyMap<string, IpSet>): Table[] => {
  const tables: Table[] = []
  let name = ''
  let bases: BaseChain[] = []
  let chains = new Map<string, Statement[][]>()
  let untracks = false
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      name = line.slice(1).trim()
      bases = []
      chains = new Map()
      untracks = false
    } else if (line.startsWith(':')) {
      const [chain = '', policy] = line.slice(1).split(' ')
      chains.set(chain, [])
      const hook = hooks[chain]
      if (hook !== undefined && policy !== '-') bases.push(baseOf(name, chain, hook, policy === 'DROP' ? 'drop' : 'accept'))
    } else if (line.startsWith('-A ')) {
      const [, chain = '', ...words] = wordsOf(line)
      const rules = chains.get(chain)
      if (rules === undefined) throw new Error(`no chain ${chain} in table ${name}`)
      untracks ||= line.endsWith('-j NOTRACK') || line.includes('--notrack')
      try {
        rules.push(ruleOf(words, sets))
      } catch (error) {
        throw new Error(`table ${name}: ${line}\n${error instanceof Error ? error.message : String(error)}`)
      }
    } else if (line.startsWith('COMMIT')) tables.push({ name, family, chains: chains as ReadonlyMap<string, Chain>, bases, untracks })
  }
  return tables
}

const baseOf = (table: string, chain: string, hook: Hook, policy: 'accept' | 'drop'): BaseChain => {
  const isNat = table === 'nat'
  // DNAT on the way in and out of a process, SNAT at the end.
  const priority = isNat ? (hook === 'prerouting' || hook === 'output' ? -100 : 100) : (priorities[table] ?? 0)
  return { hook, priority, isNat, policy, chain }
}

const wordsOf = (line: string): string[] => [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')

/** Words of one rule, taken one after another. */
interface Reader {
  readonly take: () => string
  readonly peek: () => string | undefined
}

const ruleOf = (words: readonly string[], sets: ReadonlyMap<string, IpSet>): Statement[] => {
  let at = 0
  const reader: Reader = {
    take: () => {
      const word = words[at++]
      if (word === undefined) throw new Error('the rule ends too early')
      return word
    },
    peek: () => words[at],
  }
  const statements: Statement[] = []
  while (reader.peek() !== undefined) {
    const negated = reader.peek() === '!'
    if (negated) reader.take()
    const word = reader.take()
    if (word === '-j' || word === '-g') {
      statements.push(targetOf(word, reader))
      continue
    }
    const match = matchOf(word, reader, sets)
    if (match !== undefined) statements.push(negated ? (flight) => !match(flight) : match)
  }
  return statements
}

type Match = (flight: Flight) => boolean

/** A match by its first word; undefined for words that only announce one or say nothing of packets. */
const matchOf = (word: string, { take, peek }: Reader, sets: ReadonlyMap<string, IpSet>): Match | undefined => {
  switch (word) {
    case '-m':
      return take() === 'rpfilter' ? reversePath({ take, peek }) : undefined
    case '--comment':
    case '--nfacct-name':
    case '--limit':
    case '--limit-burst':
      take()
      return undefined
    case '-s':
    case '-d': {
      const net = netOf(take())
      return word === '-s' ? ({ header }) => holds(net, header.source) : ({ header }) => holds(net, header.destination)
    }
    case '-p': {
      const protocol = protocolOf(take())
      return ({ header }) => header.protocol === protocol
    }
    case '-i':
    case '-o': {
      const test = interfaceTest(take())
      return word === '-i' ? ({ inInterface }) => test(inInterface) : ({ outInterface }) => test(outInterface)
    }
    case '--dport':
    case '--dports':
    case '--sport':
    case '--sports': {
      const test = portTest(take())
      return word.startsWith('--d') ? ({ header }) => test(header.destinationPort) : ({ header }) => test(header.sourcePort)
    }
    case '--mark': {
      const [value, mask] = maskedOf(take())
      return ({ mark }) => (mark & mask) >>> 0 === value
    }
    case '--ctstate': {
      const states = take().split(',')
      return (flight) => states.some((state) => isInState(flight, state))
    }
    case '--match-set': {
      const [name, directions] = [take(), take().split(',')]
      const set = sets.get(name)
      if (set === undefined) throw new Error(`no ipset ${name}`)
      return ({ header }) => set(header, directions)
    }
    case '--src-type':
    case '--dst-type': {
      const type = take()
      if (type !== 'LOCAL') throw new Error(`address type ${type} is not read here`)
      return ({ header, surroundings }) => surroundings.isLocal(word === '--src-type' ? header.source : header.destination)
    }
    case '--mode':
      if (take() !== 'random' || take() !== '--probability') throw new Error('only --mode random is read here')
      return diceOf(Number(take()))
    case '--icmp-type':
    case '--icmpv6-type': {
      const [type, code] = take().split('/').map(Number)
      return ({ header: { icmp } }) => icmp !== undefined && icmp.type === type && (code === undefined || icmp.code === code)
    }
    default:
      throw new Error(`"${word}" is not read here`)
  }
}

/** `-m rpfilter --validmark --invert`: matches where no route leads back to the sender by the interface the packet came in by. */
const reversePath = ({ take, peek }: Reader): Match => {
  let inverted = false
  while (peek() === '--validmark' || peek() === '--invert' || peek() === '--loose') if (take() === '--invert') inverted = true
  return ({ header, inInterface, surroundings }) => (surroundings.routeTo(header.source) === inInterface) !== inverted
}

const diceOf =
  (probability: number): Match =>
  ({ choose }) =>
    probability >= 1 || (probability > 0 && choose(2) === 0)

const interfaceTest = (pattern: string): ((name: string | undefined) => boolean) => {
  if (!pattern.endsWith('+')) return (name) => name === pattern
  const prefix = pattern.slice(0, -1)
  return (name) => name?.startsWith(prefix) ?? false
}

const portTest = (list: string): ((port: number | undefined) => boolean) => {
  const ranges = list.split(',').map((part) => {
    const [first, last] = part.split(':').map(Number)
    return [first ?? 0, last ?? first ?? 0] as const
  })
  return (port) => port !== undefined && ranges.some(([first, last]) => first <= port && port <= last)
}

const maskedOf = (text: string): readonly [number, number] => {
  const [value, mask = '0xffffffff'] = text.split('/')
  return [Number(value) >>> 0, Number(mask) >>> 0]
}

const isInState = ({ ct, dnat, snat }: Flight, state: string): boolean => {
  if (state === 'DNAT') return dnat
  if (state === 'SNAT') return snat
  return ct === (state satisfies string as CtState)
}

const plain: Readonly<Record<string, Verdict>> = { ACCEPT: 'accept', DROP: 'drop', RETURN: 'return' }

const targetOf = (word: string, { take, peek }: Reader): Statement => {
  const target = take()
  const options: Record<string, string> = {}
  while (peek()?.startsWith('--')) {
    const option = take()
    const value = peek()
    options[option] = value === undefined || value.startsWith('--') ? '' : take()
  }
  const verdict = plain[target]
  if (verdict !== undefined) return () => verdict
  switch (target) {
    case 'REJECT':
      return () => 'reject'
    case 'LOG':
    case 'NFLOG':
      return () => true
    case 'MARK': {
      const [value, mask] = maskedOf(options['--set-xmark'] ?? '')
      return (flight) => {
        flight.mark = ((flight.mark & ~mask) ^ value) >>> 0
        return true
      }
    }
    case 'NOTRACK':
    case 'CT':
      if (target === 'CT' && !('--notrack' in options)) throw new Error('only CT --notrack is read here')
      return (flight) => {
        flight.notrack = true
        return true
      }
    case 'DNAT': {
      // IPv6 stands in brackets before its port.
      const [, six, four = '', port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(options['--to-destination'] ?? '') ?? []
      const destination = ipOf(six ?? four)
      return (flight) => translated(flight, { destination, ...(port === undefined ? {} : { destinationPort: Number(port) }) })
    }
    case 'MASQUERADE':
      return masquerade
    case 'DSCP':
      return () => true
    default:
      return word === '-g' ? () => ({ goto: target }) : () => ({ jump: target })
  }
}
