import { type Address, familyOf } from '../../net/address.ts'
import { type Cidr, contains } from '../../net/cidr.ts'
import { isPrivate } from '../../net/private.ts'
import { opens } from '../plan/failsafe-change.ts'
import type { Notice } from '../plan/plan.ts'
import { standsWithNodes } from './api-places.ts'
import type { Facts } from './facts.ts'

/** What is read of the facts. */
export type PathFacts = Pick<Facts, 'operatorAddresses' | 'components' | 'nodes' | 'apiEndpoints' | 'failsafes'>

const isIn = (nets: readonly Cidr[], address: Address): boolean => nets.some((net) => contains(net, address))

/**
 * Whether the cluster sees the operator by the address this machine uses: `seen` where a control-plane node says so or both stand in one network, `hidden`
 * where something stands between, `unknown` where nobody can tell.
 */
export const operatorSeen = ({ operatorAddresses, components, nodes, apiEndpoints }: PathFacts): 'seen' | 'hidden' | 'unknown' => {
  const path = components?.operator
  if (operatorAddresses.length === 0 || path?.via === 'proxy' || path?.via === 'tunnel') return 'hidden'
  if ((path?.confirmed.length ?? 0) > 0) return 'seen'
  const onLink = nodes.flatMap(({ networks = [] }) => networks)
  if (operatorAddresses.every((address) => isIn(onLink, address))) return 'seen'
  const isTranslated = operatorAddresses.some(
    (address) => isPrivate(address) && apiEndpoints.some((one) => familyOf(one.address) === familyOf(address) && !isPrivate(one.address)),
  )
  return isTranslated ? 'hidden' : 'unknown'
}

/** How the operator's own way looks, and whether SSH and the API survive on it, in words; a warning where nobody can know. */
export const operatorWords = (facts: PathFacts): Notice[] => {
  const { components, operatorAddresses, failsafes, apiEndpoints } = facts
  if (components === undefined) return []
  const { via, jumpedFrom, looked, confirmed } = components.operator
  const seen = operatorSeen(facts)
  const ours = operatorAddresses.join(' and ')
  const isOpen = (port: number): boolean => Object.values(failsafes).every(({ inbound }) => opens(inbound.ports, { protocol: 'TCP', port }))
  const apiPorts = [...new Set(apiEndpoints.filter(standsWithNodes(facts)).map(({ port }) => port))].sort((one, other) => one - other)
  const ssh = isOpen(22)
  const how =
    via === 'proxy'
      ? 'A proxy stands between this machine and the API: the cluster sees the proxy'
      : via === 'tunnel'
        ? 'The kubeconfig names this machine itself, so a tunnel leads on: the cluster sees its far end'
        : operatorAddresses.length === 0
          ? 'No address of this machine leads to the API: by which one the cluster sees you is not known'
          : confirmed.length > 0
            ? `A control-plane node itself has a connection from ${confirmed.join(' and ')}: nothing translates your address on the way`
            : seen === 'seen'
              ? `${ours} stands in the nodes' own network: nothing translates it on the way`
              : seen === 'hidden'
                ? `${ours} is private and the API's address is not: NAT stands between, and the nodes see another address`
                : looked
                  ? `No control-plane node has a connection from ${ours}: a balancer or NAT stands between, and what the nodes see you by is not known`
                  : `Whether ${ours} is translated on the way to the nodes is not known`
  const survives = ssh
    ? `SSH (22/tcp) is a failsafe, and so is every API port (${apiPorts.join(', ')}) before anything closes: both stay open to you however you are seen`
    : `every API port (${apiPorts.join(', ')}) becomes a failsafe and stays open to you; SSH (22/tcp) is none, and stays open only to whom an answer below names`
  return [
    { level: seen === 'seen' || ssh ? 'info' : 'warning', text: `${how}. ${survives.charAt(0).toUpperCase()}${survives.slice(1)}.` },
    ...(jumpedFrom === undefined
      ? []
      : [
          {
            level: 'info' as const,
            text: `You sit at ${jumpedFrom} and reach this machine by SSH: what is said of "this machine" is said of the jump host.`,
          },
        ]),
  ]
}
