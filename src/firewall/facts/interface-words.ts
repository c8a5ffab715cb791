import type { NodeFacts } from './facts.ts'
import { explainInterfaces } from './inspection-words.ts'

/** NICs a node has besides the one that carries its address, and that lead nowhere else. */
const seconds = ({ interfaces, inspected }: NodeFacts): string[] =>
  inspected === undefined
    ? []
    : interfaces
        .filter(({ name }) => name !== inspected.nodeInterface && !inspected.defaultRoutes.some(({ device }) => device === name))
        .map(({ name }) => `${name} is a second way in: it stays open unless it is chosen too`)

/**
 * What there is to know about the interfaces of all nodes before some are chosen: a sentence each, with the nodes it holds for. Addresses that move are told
 * elsewhere.
 */
export const interfaceWords = (nodes: readonly NodeFacts[]): string[] => {
  const told = new Map<string, string[]>()
  for (const node of nodes) {
    const sentences = [...(node.inspected === undefined ? [] : explainInterfaces(node.inspected)), ...seconds(node)]
    for (const sentence of sentences.filter((one) => !one.includes('may move to another node')))
      told.set(sentence, [...(told.get(sentence) ?? []), node.name])
  }
  return [...told].map(([sentence, names]) => {
    const where =
      names.length === nodes.length
        ? 'every node'
        : names.length < 4
          ? names.join(', ')
          : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`
    return `${sentence} (${where}).`
  })
}
