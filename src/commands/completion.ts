import type { Command, Option } from 'commander'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Context } from './context.ts'
import type { LiveKind } from './live-words.ts'

/** Cobra's directive "no file completion", which kubectl hands on to the shell. */
const noFiles = ':4'
/** Cobra's directive "complete files". */
const files = ':0'

/** Prints the two lines kubectl 1.26 and newer runs to complete a plugin, if it finds them on PATH as kubectl_complete-calico_fw. */
export const run = (context: Context): Promise<ExitCode> => {
  context.stdout.write('#!/bin/sh\nexec kubectl calico-fw __complete "$@"\n')
  return Promise.resolve(exitCodes.ok)
}

/** Answers in Cobra's form: a candidate and its description a line, then a directive. The last word is the one being typed. */
export const complete = async (context: Context, root: Command, words: readonly string[]): Promise<ExitCode> => {
  const typed = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const verb = root.commands.find((command) => command.name() === before.find((word) => !word.startsWith('-')))
  const answers = verb === undefined ? commandsOf(root) : wordsOf(verb, before, typed)
  const live = answers.live === undefined ? [] : await (await import('./live-words.ts')).liveWords(context, before, answers.live)
  const lines = [...answers.candidates, ...live].filter(([name]) => name.startsWith(typed)).map(([name, description]) => `${name}\t${description}`)
  context.stdout.write(`${[...lines, answers.directive].join('\n')}\n`)
  return exitCodes.ok
}

interface Answers {
  readonly candidates: readonly (readonly [string, string])[]
  readonly directive: string
  /** What else only the kubeconfig or the cluster knows. */
  readonly live?: LiveKind
}

const commandsOf = (root: Command): Answers => ({
  candidates: root.commands.filter((command) => !command.name().startsWith('__')).map((command) => [command.name(), command.description()]),
  directive: noFiles,
})

const wordsOf = (verb: Command, before: readonly string[], typed: string): Answers => {
  const previous = before.at(-1)
  const open = verb.options.find((option) => previous !== undefined && (option.long === previous || option.short === previous) && option.required)
  if (open !== undefined) {
    const live = liveFlags[open.long ?? '']
    return {
      candidates: (open.argChoices ?? []).map((choice) => [choice, '']),
      directive: takesFile(open) ? files : noFiles,
      ...(live === undefined ? {} : { live }),
    }
  }
  const live = liveArguments[verb.name()]
  if (live !== undefined && !typed.startsWith('-')) return { candidates: [], directive: noFiles, live }
  return {
    candidates: verb.options.flatMap((option): [string, string][] => (option.long === undefined ? [] : [[option.long, option.description]])),
    directive: noFiles,
  }
}

/** Flags whose values can be looked up. */
const liveFlags: Readonly<Record<string, LiveKind>> = {
  '--context': 'contexts',
  '--cluster': 'clusters',
  '--user': 'users',
  '--via': 'nodes',
  '--accept-host-firewall': 'nodes',
  '--interface': 'interfaces',
  '--to': 'changes',
}

/** Commands whose arguments can be. */
const liveArguments: Readonly<Record<string, LiveKind>> = { history: 'changes', explain: 'nodes' }

const takesFile = ({ flags }: Option): boolean => flags.includes('<FILE>')
