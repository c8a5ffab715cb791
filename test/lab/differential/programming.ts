import type { KubeObject } from '../../../src/calico/object.ts'
import { asWritten, refIn } from '../firewall.ts'
import type { Lab } from '../lab.ts'
import { inParallel, until } from '../machine/run.ts'
import { dumpRoutes, dumpRules, kernelFrom, type RoutesText, type RulesText } from '../rules/dump.ts'
import type { Kernel } from '../rules/kernel.ts'
import type { ObjectSet } from './object-set.ts'
import { missing, sentinels } from './sentinels.ts'

/** Puts sets of objects into a cluster one after another, each as soon as the last is judged. */
export interface Programmer {
  /** Writes a set in place of the last one, waits until every Felix has programmed it, and returns the nodes as their rules are then. */
  program(objects: ObjectSet): Promise<readonly Kernel[]>
  /** Waits until the rules of every node show something, and returns nothing. */
  shown(what: string, shows: (rules: RulesText) => boolean): Promise<void>
}

/** Felix takes two seconds when it has much to do, and restarts in eight. */
const patienceMs = 60_000

/** A programmer of a lab whose ground is prepared. */
export const createProgrammer = async (lab: Lab): Promise<Programmer> => {
  const { nodes } = lab.layout
  const routes = new Map<string, RoutesText>()
  let change = 0
  let written: readonly KubeObject[] = []
  const isNative = lab.variant.felix === 'native'
  const shown: Programmer['shown'] = async (what, shows) => {
    for (const node of nodes) await until(`${node.name} to show ${what}`, async () => shows(await dumpRules(lab, node.name)), patienceMs, 200)
  }
  return {
    shown,
    program: async ({ networkSets, policies, hostEndpoints }) => {
      change++
      const objects: KubeObject[] = [...networkSets, ...policies, ...hostEndpoints]
      const key = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.namespace ?? ''} ${metadata.name}`
      const kept = new Set(objects.map(key))
      await inParallel(8, objects, (object) => lab.api.apply(asWritten(lab, object)))
      await inParallel(
        8,
        written.filter((object) => !kept.has(key(object))),
        (object) => lab.api.delete(refIn(lab, object)),
      )
      written = objects
      await inParallel(8, sentinels(nodes, change), (object) => lab.api.apply(asWritten(lab, object)))
      // Addresses of a node change only while the ground is prepared.
      for (const { name } of nodes) if (!routes.has(name)) routes.set(name, await dumpRoutes(lab, name))
      return Promise.all(
        nodes.map(async ({ name, fqdn }) => {
          let lacks: string[] = []
          try {
            const { answer } = await until(
              `Felix on ${name}`,
              async () => {
                const rules = await dumpRules(lab, name)
                lacks = missing(rules, isNative, change)
                return lacks.length === 0 ? rules : undefined
              },
              patienceMs,
              100,
            )
            return kernelFrom(fqdn, answer, routes.get(name) ?? { links: '[]', routes: '[]' })
          } catch (error) {
            throw new Error(`change ${change}, still without ${lacks.join(', ')}: ${error instanceof Error ? error.message : String(error)}`)
          }
        }),
      )
    },
  }
}
