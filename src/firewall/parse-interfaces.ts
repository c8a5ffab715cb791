import { keys } from '../calico/names.ts'
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
    const problem = interfaceNameProblem(name)
    if (problem !== undefined) throw failure(item, `is "${name}", ${problem.what}`, problem)
    return name
  })
  if (names.length === 0) throw failure(spot, 'is empty', { fix: 'name an interface' })
  const twice = names.findIndex((name, at) => names.indexOf(name) !== at)
  if (twice >= 0) throw failure(itemsOf(spot)[twice] ?? spot, `repeats "${names[twice]}"`)
  return names
}

/** Why a name can not become a HostEndpoint's interface; undefined when it can. */
export const interfaceNameProblem = (name: string): { what: string; why?: string; fix?: string } | undefined => {
  if (name === '*') {
    return {
      what: 'a wildcard',
      why: 'a wildcard HostEndpoint also polices loopback, tunnels and packets that come from pods',
      fix: 'name the interfaces that carry traffic from outside',
    }
  }
  if (name === 'lo') return { what: 'loopback', why: 'nothing from outside arrives there', fix: 'leave it out' }
  if (name === 'kube-ipvs0') return { what: 'an interface Felix ignores (interfaceExclude)', fix: 'name the NIC the packets arrive on' }
  if (name.startsWith('cali')) return { what: "a pod's interface", why: 'Felix never puts a HostEndpoint on one', fix: 'name the NIC of the node' }
  if (name.includes('@')) return { what: 'no interface name', fix: `write ${name.split('@')[0]}` }
  if (!/^[a-zA-Z0-9_.-]{1,15}$/.test(name)) return { what: 'no interface name', fix: 'use letters, digits, _, . and -, at most 15 of them' }
  return undefined
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

const isLabelKey = (key: string): boolean => {
  const [name = '', prefix, ...rest] = key.split('/').reverse()
  const isPrefix = prefix === undefined || (prefix.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(prefix))
  return rest.length === 0 && isPrefix && name !== '' && isLabelValue(name)
}

const isLabelValue = (value: string): boolean => value.length <= 63 && /^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$/.test(value)
