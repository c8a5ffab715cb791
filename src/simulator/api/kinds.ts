import { allResources, type Resource, storage, v3 } from '../../calico/resources.ts'
import type { Flavour } from '../../firewall/facts/facts.ts'
import { aggregatedRules, nativeRules } from '../rules/calico-rules.ts'
import { configMapRules, namespaceRules, serviceRules } from '../rules/core-rules.ts'
import { jobRules } from '../rules/job-rules.ts'
import { calicoSchemas } from '../schemas/calico.ts'
import { kubernetesSchemas } from '../schemas/kubernetes.ts'
import { kindSchema } from '../schemas/metadata.ts'
import { calicoView } from './calico-view.ts'
import type { Kind, KindRules } from './kind.ts'

const shortNames: Readonly<Record<string, readonly string[]>> = {
  ...{
    ConfigMap: ['cm'],
    Namespace: ['ns'],
    Node: ['no'],
    Pod: ['po'],
    Service: ['svc'],
    Endpoints: ['ep'],
    DaemonSet: ['ds'],
    Deployment: ['deploy'],
  },
  ...{ CustomResourceDefinition: ['crd', 'crds'], HostEndpoint: ['hep', 'heps'], GlobalNetworkPolicy: ['gnp', 'cgnp'], GlobalNetworkSet: ['gns'] },
}

const coreRules: Readonly<Record<string, KindRules>> = {
  ...{ Job: jobRules, ConfigMap: configMapRules, Namespace: namespaceRules, Service: serviceRules },
}

const withStatus = ['Namespace', 'Node', 'Pod', 'Service', 'DaemonSet', 'Deployment', 'Job', 'ServiceCIDR', 'APIService', 'CustomResourceDefinition']
const withStatusCalico = ['Tier', 'IPPool', 'KubeControllersConfiguration']

const fieldSelectors: Readonly<Record<string, readonly string[]>> = {
  Pod: ['spec.nodeName', 'status.phase', 'status.podIP', 'spec.restartPolicy'],
  Node: ['spec.unschedulable'],
  Namespace: ['status.phase'],
  Job: ['status.successful'],
}

const isCalico = ({ group }: Resource): boolean => group === 'projectcalico.org' || group === 'crd.projectcalico.org'

/** Which Calico API groups a flavour has. Both stand side by side behind the aggregated API, and half-way through a migration. */
const groupsOf: Readonly<Record<Flavour, readonly string[]>> = {
  native: [v3],
  aggregated: [v3, storage],
  migrating: [v3, storage],
  storage: [storage],
  etcd: [],
}

const rulesOf = (resource: Resource, flavour: Flavour): KindRules => {
  if (!isCalico(resource)) return coreRules[resource.kind] ?? {}
  if (resource.group === 'crd.projectcalico.org') return {}
  return (flavour === 'aggregated' ? aggregatedRules : nativeRules)[resource.kind] ?? {}
}

/** Every kind a cluster of the flavour serves. */
export const kindsOf = (flavour: Flavour): readonly Kind[] =>
  allResources
    .filter((resource) => !isCalico(resource) || groupsOf[flavour].includes(`${resource.group}/${resource.version}`))
    // Profiles are no CRD: only Calico's API server shows them.
    .filter(({ kind, group }) => kind !== 'Profile' || (flavour === 'aggregated' && group === 'projectcalico.org'))
    .map((resource) => ({
      ...resource,
      ...rulesOf(resource, flavour),
      singular: resource.kind.toLowerCase(),
      shortNames: shortNames[resource.kind] ?? [],
      schema: (isCalico(resource) ? calicoSchemas : kubernetesSchemas)[resource.kind] ?? kindSchema({}, { open: true }),
      custom: isCalico(resource),
      statusEndpoint: isCalico(resource)
        ? resource.group === 'projectcalico.org' && withStatusCalico.includes(resource.kind)
        : withStatus.includes(resource.kind),
      createOnUpdate: resource.kind === 'Lease' || resource.kind === 'Endpoints',
      fieldSelectors: fieldSelectors[resource.kind] ?? [],
      ...(flavour === 'aggregated' && resource.group === 'projectcalico.org' ? { view: calicoView(resource.plural) } : {}),
    }))
