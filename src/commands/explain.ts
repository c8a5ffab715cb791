import { formatFacts, parseFacts } from '../discovery/facts-file.ts'
import { FwError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { table } from '../ui/table.ts'
import { adviceFor } from '../verdict/advice.ts'
import type { Connection, Verdict, World } from '../verdict/model.ts'
import { decide } from '../verdict/verdicts.ts'
import { worldOf } from '../verdict/world.ts'
import { fileText } from './answers.ts'
import type { Context, OutputFormat, Printer } from './context.ts'
import { worldWith } from './explain-files.ts'
import { parseFlow } from './parse-flow.ts'
import { createPrinter } from './printer.ts'

/** Flags of `explain`. */
export interface ExplainOptions {
  readonly flow: readonly string[]
  /** The node a packet from outside comes in by. */
  readonly via?: string
  /** Asks about a connection that stands already. */
  readonly established?: boolean
  /** Also what a HostFirewall, or manifests, would make of it. */
  readonly filename?: string
  /** Facts saved before, instead of a cluster. */
  readonly facts?: string
}

/** Explains from saved facts: nothing is asked of any cluster. */
export const runOffline = (context: Context, format: OutputFormat, options: ExplainOptions & { readonly facts: string }): Promise<ExitCode> => {
  const facts = savedFacts(fileText(context.workstation.readFile, options.facts, '--facts'), options.facts)
  return Promise.resolve(explain(context, createPrinter(context, format), facts, options))
}

const savedFacts = (text: string, filename: string): Facts => {
  try {
    return parseFacts(text)
  } catch (error) {
    if (!(error instanceof FwError)) throw error
    throw new FwError(error.code, `${filename} holds no facts that this version saved`, {
      why: error.why === undefined ? error.message : `${error.message}: ${error.why}`,
      fix: `save them: kubectl calico-fw explain SOURCE DESTINATION --save-facts ${filename}`,
      cause: error,
    })
  }
}

/** Explains what becomes of one connection, and saves the facts first where asked to. */
export const run = async (
  { context, printer, cluster }: { readonly context: Context; readonly printer: Printer; readonly cluster: { facts(): Promise<Facts> } },
  options: ExplainOptions & { readonly saveFacts?: string },
): Promise<ExitCode> => {
  const facts = await cluster.facts()
  if (options.saveFacts !== undefined) await context.writeFile(options.saveFacts, formatFacts(facts))
  return explain(context, printer, facts, options)
}

const explain = ({ workstation }: Context, printer: Printer, facts: Facts, { flow, via, established, filename }: ExplainOptions): ExitCode => {
  const connection: Connection = { ...parseFlow(flow, facts, via), ...(established ? { established } : {}) }
  const world = worldOf(facts)
  const now = explained(world, connection)
  const then = filename === undefined ? undefined : explained(worldWith(facts, world, fileText(workstation.readFile, filename), filename), connection)
  printer.data(asText(filename === undefined ? 'now' : 'as the cluster is', now))
  if (then !== undefined) printer.data(`\n${asText(`with ${filename}`, then)}`)
  printer.document('Explanation', { connection, now, ...(then === undefined ? {} : { with: { file: filename, ...then } }) })
  return exitCodes.ok
}

interface Explained extends Verdict {
  readonly advice: string
}

const explained = (world: World, connection: Connection): Explained => {
  const verdict = decide(world, connection)
  return { ...verdict, advice: adviceFor(world, connection, verdict) }
}

const words = { allow: 'ALLOWED', deny: 'DENIED', unknown: 'NOT KNOWN' } as const

const asText = (title: string, { action, decisions, advice }: Explained): string => {
  const rows = decisions.map(({ node, stage, text }, at) => [`${at + 1}`, node, stage, text])
  return `${words[action]} ${title}\n\n${table(['', 'node', 'stage', 'decision'], rows)}\n\nTo change it: ${advice}`
}
