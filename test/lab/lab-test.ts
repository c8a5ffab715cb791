import type { LabRef } from './cluster/api.ts'
import { calicoApiVersion } from './cluster/crds.ts'
import { calicoNamespace, calicoObjects } from './cluster/seed.ts'
import type { Lab } from './lab.ts'
import { inParallel, until } from './machine/run.ts'
import type { Variant } from './options.ts'

/** What a test needs beyond the control plane; where the lab lacks it, the test counts as skipped. */
export type Need = 'felix' | 'kubelet' | 'kube-controllers'

/** One test on a running lab. It may leave objects behind; {@link resetCalico} takes them away. */
export interface LabTest {
  readonly name: string
  readonly needs: readonly Need[]
  /** The shapes it is made for; absent: the home cluster. */
  readonly shapes?: readonly Variant['shape'][]
  /** The only cells it makes sense in, by the end of their names; absent: all. */
  readonly cells?: readonly string[]
  /** The cells of the default run that have it; absent: all of {@link cells}. */
  readonly sampled?: readonly string[]
  run(lab: Lab, tell: (line: string) => void): Promise<void>
}

const kinds = ['HostEndpoint', 'GlobalNetworkPolicy', 'GlobalNetworkSet', 'NetworkSet', 'NetworkPolicy', 'StagedGlobalNetworkPolicy'] as const

/** What the product makes beside Calico's objects. */
const products: readonly LabRef[] = [
  { apiVersion: 'v1', kind: 'Service', namespace: calicoNamespace, name: 'calico-fw-nodes' },
  { apiVersion: 'v1', kind: 'Namespace', name: 'calico-fw' },
]

/** Takes away every policy, set and HostEndpoint, HostEndpoints first, all the product made, and puts the seeded objects back. */
export const resetCalico = async (lab: Lab): Promise<void> => {
  if (lab.binaries.crds === undefined) return
  const apiVersion = calicoApiVersion(lab.variant.flavour)
  for (const kind of kinds) {
    const objects = await lab.api.list({ apiVersion, kind })
    await inParallel(8, objects, ({ metadata: { name, namespace } }) =>
      lab.api.delete({ apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) } satisfies LabRef),
    )
  }
  for (const ref of products) await lab.api.delete(ref)
  for (const ref of products) await until(`${ref.kind} ${ref.name} to be gone`, async () => (await lab.api.get(ref)) === undefined)
  const configuration = calicoObjects(lab.layout, lab.variant).find((object) => object.kind === 'FelixConfiguration')
  const there = await lab.api.get({ apiVersion, kind: 'FelixConfiguration', name: 'default' })
  if (configuration === undefined || there === undefined) return
  const seeded = configuration['spec'] as Record<string, unknown>
  const added = Object.keys((there['spec'] ?? {}) as object).filter((key) => !(key in seeded) && key.startsWith('failsafe'))
  if (added.length > 0)
    await lab.api.patch({ apiVersion, kind: 'FelixConfiguration', name: 'default' }, { spec: Object.fromEntries(added.map((key) => [key, null])) })
}
