import type { Command, Option } from 'commander'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Context } from './context.ts'

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
export const complete = (context: Context, root: Command, words: readonly string[]): ExitCode => {
  const typed = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const verb = root.commands.find((command) => command.name() === before.find((word) => !word.startsWith('-')))
  const answers = verb === undefined ? commandsOf(root) : flagsOf(verb, before.at(-1))
  const lines = answers.candidates.filter(([name]) => name.startsWith(typed)).map(([name, description]) => `${name}\t${description}`)
  context.stdout.write(`${[...lines, answers.directive].join('\n')}\n`)
  return exitCodes.ok
}

interface Answers {
  readonly candidates: readonly (readonly [string, string])[]
  readonly directive: string
}

const commandsOf = (root: Command): Answers => ({
  candidates: root.commands.filter((command) => !command.name().startsWith('__')).map((command) => [command.name(), command.description()]),
  directive: noFiles,
})

const flagsOf = (verb: Command, previous: string | undefined): Answers => {
  const open = verb.options.find((option) => previous !== undefined && (option.long === previous || option.short === previous) && option.required)
  if (open !== undefined) return { candidates: (open.argChoices ?? []).map((choice) => [choice, '']), directive: takesFile(open) ? files : noFiles }
  return {
    candidates: verb.options.flatMap((option): [string, string][] => (option.long === undefined ? [] : [[option.long, option.description]])),
    directive: noFiles,
  }
}

const takesFile = ({ flags }: Option): boolean => flags.includes('<FILE>')
