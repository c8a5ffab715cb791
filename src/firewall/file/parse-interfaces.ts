import { interfaceProblem, isLabelKey, isLabelValue } from '../../calico/name-limits.ts'
import { keys } from '../../calico/names.ts'
import type { InterfaceSelection, LabelSelector } from './host-firewall.ts'
import { entriesOf, failure, fieldsOf, isWritten, itemsOf, type Spot, textOf } from './yaml-spot.ts'

/**
 * `spec.interfaces`: which NICs of which nodes become HostEndpoints.
 * @throws FwError FW_BAD_FILE
 */
export const interfacesOf = (spot: Spot): InterfaceSelection[] => {
  const selections = itemsOf(spot).map((item): InterfaceSelection => {
    const { nodeSelector, names, labels } = fieldsOf(item, ['nodeSelector', 'names', 'labels'])
    if (!isWritten(nodeSelector)) throw failure(item, 'has no nodeSelector', { fix: 'write nodeSelector: {} for every node' })
    if (!isWritten(names)) throw failure(item, 'has no names', { fix: 'write names: [ens160]' })
    return { nodeSelector: selectorOf(nodeSelector), names: namesOf(names), labels: isWritten(labels) ? endpointLabelsOf(labels) : {} }
  })
  if (selections.length === 0) throw failure(spot, 'is empty', { fix: 'write - {nodeSelector: {}, names: [ens160]}' })
  return selections
}

const namesOf = (spot: Spot): string[] => {
  const names = itemsOf(spot).map((item) => {
    const name = textOf(item)
    const problem = interfaceProblem(name)
    if (problem !== undefined) throw failure(item, `is "${name}", which ${problem}`, { fix: remedyOf(name) })
    return name
  })
  if (names.length === 0) throw failure(spot, 'is empty', { fix: 'name an interface' })
  const twice = names.findIndex((name, at) => names.indexOf(name) !== at)
  if (twice >= 0) throw failure(itemsOf(spot)[twice] ?? spot, `repeats "${names[twice]}"`)
  return names
}

/** What to do about a name {@link interfaceProblem} refuses. */
const remedyOf = (name: string): string => {
  if (name.includes('@')) return `write ${name.split('@')[0]}`
  return name === 'lo' ? 'leave it out' : 'name the interfaces of the node that carry traffic from outside'
}

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const

const selectorOf = (spot: Spot): LabelSelector => {
  const { matchLabels, matchExpressions } = fieldsOf(spot, ['matchLabels', 'matchExpressions'])
  return {
    ...(isWritten(matchLabels) ? { matchLabels: labelsOf(matchLabels) } : {}),
    ...(isWritten(matchExpressions) ? { matchExpressions: itemsOf(matchExpressions).map(expressionOf) } : {}),
  }
}

const expressionOf = (spot: Spot) => {
  const { key, operator, values } = fieldsOf(spot, ['key', 'operator', 'values'])
  if (!isWritten(key) || !isWritten(operator)) throw failure(spot, 'needs a key and an operator', { fix: 'write {key: ..., operator: Exists}' })
  const [name, written] = [textOf(key), textOf(operator)]
  if (!isLabelKey(name)) throw failure(key, `is "${name}", which is no label key`)
  const known = operators.find((one) => one === written)
  if (known === undefined) throw failure(operator, `is "${written}"`, { fix: `write ${operators.join(', ')}` })
  const needsValues = known === 'In' || known === 'NotIn'
  const list = isWritten(values) ? itemsOf(values).map(textOf) : []
  if (needsValues !== list.length > 0) throw failure(spot, needsValues ? `has no values for ${known}` : `has values, which ${known} does not take`)
  return { key: name, operator: known, ...(needsValues ? { values: list } : {}) }
}

const endpointLabelsOf = (spot: Spot): Record<string, string> => {
  for (const { key, spot: at } of entriesOf(spot)) {
    const owner = [keys.run.split('/')[0] ?? '', 'projectcalico.org'].find(
      (prefix) => key.startsWith(`${prefix}/`) || key.split('/')[0]?.endsWith(`.${prefix}`),
    )
    if (owner === undefined && key !== keys.managedBy) continue
    throw failure(at, 'is not yours to set', {
      why:
        owner === 'projectcalico.org'
          ? 'Calico manages HostEndpoints by its own labels and deletes those that carry them'
          : 'this tool finds its own objects by it',
      fix: 'choose another key',
    })
  }
  return labelsOf(spot)
}

const labelsOf = (spot: Spot): Record<string, string> =>
  Object.fromEntries(
    entriesOf(spot).map(({ key, spot: at }) => {
      const value = textOf(at)
      if (!isLabelKey(key)) throw failure(at, 'is no label key', { fix: 'write [prefix/]name with letters, digits, -, _ and ., at most 63 of them' })
      if (!isLabelValue(value))
        throw failure(at, `is "${value}", which is no label value`, { fix: 'use letters, digits, -, _ and ., at most 63 of them' })
      return [key, value]
    }),
  )
