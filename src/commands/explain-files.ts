import type { KubeObject } from '../calico/object.ts'
import { FwError } from '../errors.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { standingOf } from '../firewall/facts/standing.ts'
import { parseHostFirewall } from '../firewall/file/firewall-file.ts'
import { readYaml } from '../firewall/file/read-yaml.ts'
import { makePlan } from '../firewall/plan/plan-maker.ts'
import { committedWorld } from '../proof/plan-states.ts'
import { written } from '../proof/world-edits.ts'
import type { World } from '../verdict/model.ts'
import { defaultWindowSeconds } from './run-limits.ts'

/** Kinds of Calico's a verdict depends on. */
const known = ['HostEndpoint', 'GlobalNetworkPolicy', 'GlobalNetworkSet', 'NetworkSet']

/**
 * The world as it would be with a file: a HostFirewall once its plan is committed, or Calico's objects written over what is there.
 * @throws FwError FW_BAD_FILE, and what makes a firewall impossible here
 */
export const worldWith = (facts: Facts, world: World, text: string, fileName: string): World => {
  const documents = valuesIn(text, fileName).flatMap((value) => (value === null || value === undefined ? [] : itemsOf(value)))
  if (documents.length === 0) throw bad(fileName, 'it is empty')
  if (documents.some(({ kind }) => kind === 'HostFirewall')) return committed(facts, text, fileName)
  const wrong = documents.find(({ kind, metadata, spec }) => !known.includes(kind) || typeof metadata?.name !== 'string' || typeof spec !== 'object')
  if (wrong !== undefined) throw bad(fileName, `it holds ${wrong.kind ?? 'something without a kind'}, and verdicts come from ${known.join(', ')}`)
  return written(world, documents)
}

const valuesIn = (text: string, fileName: string): unknown[] => {
  try {
    return readYaml(text)
  } catch (error) {
    throw bad(fileName, error instanceof Error ? error.message : String(error))
  }
}

const itemsOf = (value: unknown): KubeObject[] => {
  const items = (value as { items?: unknown }).items
  return (Array.isArray(items) ? items : [value]).map((item: unknown) => (typeof item === 'object' && item !== null ? item : {})) as KubeObject[]
}

const committed = (facts: Facts, text: string, fileName: string): World => {
  const change = Math.max(0, ...standingOf(facts).runs) + 1
  const plan = makePlan({ firewall: parseHostFirewall(text, fileName), facts, change, windowSeconds: defaultWindowSeconds })
  return committedWorld(facts, plan)
}

const bad = (fileName: string, why: string): FwError =>
  new FwError('FW_BAD_FILE', `${fileName} cannot be explained with`, { why, fix: `give a HostFirewall, or manifests of ${known.join(', ')}` })
