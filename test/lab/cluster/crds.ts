import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { CalicoCrds } from '../binaries.ts'
import { inParallel, until } from '../machine/run.ts'
import type { Variant } from '../options.ts'
import type { LabApi, LabObject } from './api.ts'

/** The API group Felix reads in a flavour; it cannot tell by itself when both exist. */
export const felixGroup = (flavour: Variant['flavour']): string => (flavour === 'native' ? 'projectcalico.org/v3' : 'crd.projectcalico.org/v1')

/** The apiVersion a user of a flavour writes. */
export const calicoApiVersion = (flavour: Variant['flavour']): string => (flavour === 'storage' ? 'crd.projectcalico.org/v1' : 'projectcalico.org/v3')

/** Installs Calico's schemas for a flavour, and waits until they are served. */
export const installCrds = async (api: LabApi, crds: CalicoCrds, flavour: Variant['flavour']): Promise<void> => {
  const native = flavour === 'native'
  // Felix lists ClusterNetworkPolicies in every flavour and waits for ever where they are missing.
  const clusterPolicies = objectsIn(crds.storage, (name) => name.startsWith('policy.networking.k8s.io_'))
  const own = native ? objectsIn(crds.native) : objectsIn(crds.storage, (name) => name.startsWith('crd.projectcalico.org_'))
  const definitions = [...own, ...clusterPolicies]
  await inParallel(6, definitions, (definition) => api.create(definition))
  // The admission policies write `tier` labels and defaults that the aggregated API server writes elsewhere.
  await until('Calico CRDs', async () => {
    const there = await api.list({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' })
    return there.length >= definitions.length && there.every(isEstablished)
  })
  const groups = [felixGroup(flavour), 'policy.networking.k8s.io/v1alpha2']
  await until(`discovery of ${groups.join(' and ')}`, async () => {
    const answers = await Promise.all(groups.map((group) => api.request('GET', `/apis/${group}`)))
    return answers.every((answer) => answer.status === 200)
  })
}

/**
 * Installs the admission policies of the native flavour, once the CRDs are served, and waits until they work. They write `tier` labels and default `types`, as the aggregated API server does elsewhere. Calico's files name
 * v1beta1, which Kubernetes 1.36 no longer serves where it serves v1; the fields are the same.
 */
export const installAdmission = async (api: LabApi, crds: CalicoCrds, flavour: Variant['flavour']): Promise<void> => {
  if (flavour !== 'native' || crds.admission === undefined) return
  const served = (apiVersion: string) => api.request('GET', `/apis/${apiVersion}`).then((answer) => JSON.stringify(answer.body))
  for (const policy of objectsIn(crds.admission)) {
    const apiVersion = (await served(policy.apiVersion)).includes(`"${policy.kind}"`) ? policy.apiVersion : 'admissionregistration.k8s.io/v1'
    await api.create({ ...policy, apiVersion })
  }
  await until('the admission policies to work', () => admissionWorks(api), 60_000, 200)
}

/**
 * Whether a policy without tier and types is admitted and comes back with both. An API server that met the admission policy before the CRD it
 * names refuses every Calico policy ("failed to find resource referenced by paramKind") until it looks again.
 */
const admissionWorks = async (api: LabApi): Promise<boolean> => {
  const policy = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'GlobalNetworkPolicy',
    metadata: { name: 'admission-rehearsal' },
    spec: { selector: 'has(admission-rehearsal)', ingress: [{ action: 'Allow' }] },
  }
  const { status, body } = await api.request('POST', '/apis/projectcalico.org/v3/globalnetworkpolicies?dryRun=All', policy)
  const spec = (body as { spec?: { tier?: string; types?: readonly string[] } }).spec
  if (status >= 300) throw new Error(JSON.stringify(body))
  return spec?.tier === 'default' && spec.types?.[0] === 'Ingress'
}

const objectsIn = (folder: string, takes: (name: string) => boolean = () => true): LabObject[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml') && takes(name))
    .sort()
    .flatMap((name) => parseAllDocuments(readFileSync(join(folder, name), 'utf8')).flatMap((document) => (document.toJS() as LabObject | null) ?? []))

const isEstablished = (definition: LabObject): boolean => {
  const status = definition['status'] as { conditions?: readonly { type: string; status: string }[] } | undefined
  return status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True') ?? false
}
