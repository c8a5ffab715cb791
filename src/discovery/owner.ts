import type { KubeObject } from '../calico/object.ts'
import type { Sourced } from '../firewall/facts/components.ts'
import { manifestWriterOf } from '../firewall/objects/manifest-writer.ts'

/** Who keeps calico-node, and would write back what others change in it. */
export const ownerOf = (daemonSet: KubeObject | undefined): Sourced => {
  if (daemonSet === undefined) return { name: 'unknown', source: 'calico-node’s DaemonSet is not shown' }
  const installation = daemonSet.metadata.ownerReferences?.find(({ kind }) => kind === 'Installation')
  if (installation !== undefined) return { name: 'operator', source: `owned by Installation ${installation.name}` }
  return manifestWriterOf(daemonSet) ?? { name: 'manifests', source: 'nobody owns calico-node’s DaemonSet' }
}
