import { FwError } from '../errors.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import type { HostFirewall } from '../firewall/file/host-firewall.ts'
import { selectInterfaces } from '../firewall/plan/selection.ts'
import type { Accepted } from '../proof/accepted.ts'
import { answered, firewallNameOf, readFirewallFile } from './answers.ts'
import type { CommandContext } from './context.ts'
import { type FirewallFlags, firewallOf, flagsAsWords } from './firewall-flags.ts'
import { defaultWindowSeconds } from './run-limits.ts'
import { shellWord } from './shell-word.ts'

/** How `init` and `plan` are told which firewall. */
export interface FirewallOptions extends FirewallFlags {
  readonly filename?: string
  readonly windowSeconds: number
  readonly accepted: Accepted
}

/** The firewall asked for, and the words that ask for it again without a question. */
export interface Wanted {
  readonly firewall: HostFirewall
  readonly words: string
}

const described = ['interfaces', 'trust', 'vips', 'open', 'failsafes', 'nodePorts'] as const
const flagOf = {
  interfaces: '--interface',
  trust: '--trust',
  vips: '--vip',
  open: '--open',
  failsafes: '--failsafe',
  nodePorts: '--node-ports',
} as const

/**
 * Looks at what can be wrong without a cluster: a file beside flags that describe the firewall too, and the file itself.
 * @throws FwError FW_USAGE, FW_BAD_FILE, FW_BAD_FAILSAFE
 */
export const checkOptions = (command: Pick<CommandContext, 'context'>, options: FirewallOptions): void => {
  const both = options.filename === undefined ? undefined : described.find((field) => options[field] !== undefined)
  if (both !== undefined)
    throw new FwError('FW_USAGE', `-f and ${flagOf[both]} contradict each other`, {
      why: 'the file describes the whole firewall',
      fix: `write it into ${options.filename}, or leave out -f`,
    })
  if (options.filename !== undefined) readFirewallFile(command, options.filename)
}

/** What is given is judged before anything is asked. */
const checkFlags = (options: FirewallFlags, facts: Facts, name: string): void => {
  const { spec } = firewallOf({ ...options, interfaces: options.interfaces ?? ['eth0'] }, facts, name)
  const linux = facts.nodes.filter(({ operatingSystem }) => operatingSystem === 'linux')
  if (options.interfaces !== undefined) selectInterfaces(linux, spec.interfaces)
}

/**
 * Reads the file, or takes flags and answers.
 * @throws FwError FW_BAD_FILE, FW_MISSING_ANSWER, FW_INTERRUPTED and what makes flags wrong
 */
export const wantedFirewall = async (command: CommandContext, options: FirewallOptions, facts: Facts, yes: boolean): Promise<Wanted> => {
  const { windowSeconds, accepted } = options
  const tail = [
    ...(windowSeconds === defaultWindowSeconds ? [] : ['--window', `${windowSeconds}s`]),
    ...accepted.unseen.flatMap((kind) => ['--accept-unseen', kind]),
    ...accepted.hostFirewalls.flatMap((node) => ['--accept-host-firewall', node]),
  ]
  const wordsOf = (words: readonly string[]): string => ['kubectl calico-fw init', ...[...words, ...tail].map(shellWord)].join(' ')
  if (options.filename !== undefined) {
    return { firewall: readFirewallFile(command, options.filename).firewall, words: wordsOf(['-f', options.filename]) }
  }
  const name = firewallNameOf(command.cluster.contextName)
  checkFlags(options, facts, name)
  const flags = await answered(command, options, facts, yes, name)
  return { firewall: firewallOf(flags, facts, name), words: wordsOf(flagsAsWords(flags)) }
}
