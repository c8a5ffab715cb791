import type { KubeObject } from '../calico/object.ts'
import type { Sourced } from '../firewall/components.ts'

/** How writers of manifests name themselves as field managers. */
const managers: readonly (readonly [RegExp, string])[] = [
  [/^argocd|^argo-cd/, 'Argo CD'],
  [/^(kustomize|helm)-controller$|^flux/, 'Flux'],
  [/^fleet/, 'Fleet'],
  [/^(rke2-)?helm$/i, 'Helm'],
  [/^(terraform|pulumi|ansible|kops)/i, 'a provisioner'],
]
/** Labels and annotations they leave. */
const marks: readonly (readonly [string, string])[] = [
  ['argocd.argoproj.io/tracking-id', 'Argo CD'],
  ['argocd.argoproj.io/instance', 'Argo CD'],
  ['kustomize.toolkit.fluxcd.io/name', 'Flux'],
  ['helm.toolkit.fluxcd.io/name', 'Flux'],
  ['meta.helm.sh/release-name', 'Helm'],
  ['addon.kops.k8s.io/name', 'kOps'],
  ['objectset.rio.cattle.io/id', 'Rancher'],
]

/** Who keeps calico-node, and would write back what others change in it: by its owner, its labels and annotations, and its field managers. */
export const ownerOf = (daemonSet: KubeObject | undefined): Sourced => {
  if (daemonSet === undefined) return { name: 'unknown', source: 'calico-node’s DaemonSet is not shown' }
  const { ownerReferences = [], labels, annotations, managedFields = [] } = daemonSet.metadata
  const installation = ownerReferences.find(({ kind }) => kind === 'Installation')
  if (installation !== undefined) return { name: 'operator', source: `owned by Installation ${installation.name}` }
  const texts = { ...labels, ...annotations }
  for (const [key, name] of marks) if (key in texts) return { name, source: key }
  if (texts['app.kubernetes.io/managed-by'] === 'Helm') return { name: 'Helm', source: 'app.kubernetes.io/managed-by' }
  for (const { manager = '' } of managedFields) {
    const found = managers.find(([pattern]) => pattern.test(manager))
    if (found !== undefined) return { name: found[1], source: `field manager ${manager}` }
  }
  return { name: 'manifests', source: 'nobody owns calico-node’s DaemonSet' }
}
