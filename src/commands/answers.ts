import { FwError } from '../errors.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { parseHostFirewall } from '../firewall/file/firewall-file.ts'
import type { HostFirewall } from '../firewall/file/host-firewall.ts'
import { answerByDefault, askQuestion } from '../ui/ask-questions.ts'
import { questionsFor, type WizardQuestion } from '../ui/questions.ts'
import type { CommandContext } from './context.ts'
import { type FirewallFlags, firewallOf } from './firewall-flags.ts'

/** A firewall file of the operator's. @throws FwError FW_BAD_FILE */
export const readFirewallFile = (
  { context }: Pick<CommandContext, 'context'>,
  filename: string,
): { readonly text: string; readonly firewall: HostFirewall } => {
  const text = fileText(context.workstation.readFile, filename)
  return { text, firewall: parseHostFirewall(text, filename) }
}

/**
 * The text of a file the user named.
 * @throws FwError FW_BAD_FILE
 */
export const fileText = (readFile: (path: string) => Buffer, filename: string, flag: '-f' | '--facts' = '-f'): string => {
  try {
    return readFile(filename).toString('utf8')
  } catch (cause) {
    throw new FwError('FW_BAD_FILE', `${filename} cannot be read`, {
      why: reasonOf(cause),
      fix: `name a file that is there: ${flag} FILE`,
      cause,
    })
  }
}

const reasons: Readonly<Record<string, string>> = { ENOENT: 'there is no such file', EISDIR: 'it is a directory', EACCES: 'you may not read it' }

const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  return reasons['code' in cause ? String(cause.code) : ''] ?? cause.message
}

/** The flags with every open question answered: by people, or with `--yes` by default. */
export const answered = async ({ ui }: CommandContext, flags: FirewallFlags, facts: Facts, yes: boolean, name: string): Promise<FirewallFlags> => {
  const answers = new Map<WizardQuestion['id'], readonly string[]>()
  for (const question of questionsFor(facts)) {
    if (flags[question.id] !== undefined) continue
    const check = (_: WizardQuestion, typed: readonly string[]) =>
      problemOf(() => firewallOf({ interfaces: ['eth0'], ...fieldOf(question.id, typed) }, facts, name))
    answers.set(question.id, yes ? answerByDefault(question) : await askQuestion(ui, question, check))
  }
  const open = flags.open ?? answers.get('open')
  const list = (id: 'interfaces' | 'trust' | 'vips' | 'failsafes'): readonly string[] => flags[id] ?? answers.get(id) ?? []
  return {
    ...flags,
    interfaces: list('interfaces'),
    trust: list('trust'),
    vips: list('vips'),
    ...(open === undefined ? {} : { open }),
    failsafes: list('failsafes'),
    nodePorts: flags.nodePorts ?? answers.get('nodePorts')?.join(',') ?? 'close',
  }
}

const fieldOf = (id: WizardQuestion['id'], typed: readonly string[]): FirewallFlags =>
  id === 'nodePorts' ? { nodePorts: typed.join(',') } : { [id]: typed }

const problemOf = (work: () => unknown): true | string => {
  try {
    work()
    return true
  } catch (error) {
    if (error instanceof FwError) return error.fix === undefined ? error.message : `${error.message}: ${error.fix}`
    throw error
  }
}

/** A name for a firewall nobody named: what stands after the @ of the context, as far as it is a DNS label. */
export const firewallNameOf = (contextName: string): string => {
  const name = (contextName.split('@').at(-1) ?? '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, '')
  return name === '' ? 'firewall' : name
}
