import type { Facts, ServiceFacts } from '../firewall/facts/facts.ts'
import type { HostFirewall } from '../firewall/file/host-firewall.ts'
import { contains } from '../net/cidr.ts'

const dnsPort = 53

/** Services that answer DNS for the cluster: those of kube-system with port 53, under whatever name. */
export const dnsServices = ({ services }: Pick<Facts, 'services'>): ServiceFacts[] =>
  services.filter(({ namespace, ports }) => namespace === 'kube-system' && ports.some(({ port }) => port === dnsPort))

/** Felix's own relay to the API. */
export const typhaServices = ({ services, calico }: Pick<Facts, 'services' | 'calico'>): ServiceFacts[] =>
  services.filter(({ namespace, name }) => namespace === calico.namespace && name === 'calico-typha')

/** The Service under which pods, and through kube-proxy nodes, reach the API. */
export const apiService = ({ services }: Pick<Facts, 'services'>): ServiceFacts | undefined =>
  services.find(({ namespace, name }) => namespace === 'default' && name === 'kubernetes')

/** Services an entry of the file leads to: by an address that clients dial, or by a NodePort. */
const openedServices = ({ services }: Pick<Facts, 'services'>, { spec }: HostFirewall): ServiceFacts[] =>
  services.filter((service) =>
    spec.allow.some(({ to }) =>
      'nodes' in to
        ? service.ports.some(({ nodePort }) => nodePort !== undefined)
        : [...service.externalIPs, ...service.loadBalancerIPs].some((address) => to.nets.some((net) => contains(net, address))),
    ),
  )

/** Services behind webhooks and aggregated APIs. */
export const calledServices = ({ services, callees = [] }: Pick<Facts, 'services' | 'callees'>): ServiceFacts[] => {
  const called = new Set(callees.map(({ namespace, service }) => `${namespace}/${service}`))
  return services.filter(({ namespace, name }) => called.has(`${namespace}/${name}`))
}

/** Every Service some lifeline dials: the others decide nothing in a proof. */
export const relevantServices = (facts: Facts, firewall: HostFirewall): ReadonlySet<ServiceFacts> => {
  const api = apiService(facts)
  return new Set([
    ...(api === undefined ? [] : [api]),
    ...dnsServices(facts),
    ...typhaServices(facts),
    ...calledServices(facts),
    ...openedServices(facts, firewall),
  ])
}
