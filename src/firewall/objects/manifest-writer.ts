import { formatRef, type KubeObject, type ObjectRef, refOf } from '../../calico/object.ts'
import { FwError } from '../../errors.ts'
import type { Sourced } from '../facts/components.ts'
import { listed } from '../plan/differences.ts'

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

/** Who writes an object from manifests, and would write back what others change in it: by its labels and annotations, and its field managers. */
export const manifestWriterOf = ({ metadata }: KubeObject): Sourced | undefined => {
  const { labels, annotations, managedFields = [] } = metadata
  const texts = { ...labels, ...annotations }
  for (const [key, name] of marks) if (key in texts) return { name, source: key }
  if (texts['app.kubernetes.io/managed-by'] === 'Helm') return { name: 'Helm', source: 'app.kubernetes.io/managed-by' }
  for (const { manager = '' } of managedFields) {
    const found = managers.find(([pattern]) => pattern.test(manager))
    if (found !== undefined) return { name: found[1], source: `field manager ${manager}` }
  }
  return undefined
}

/**
 * Refuses to change what such a tool writes: it would be written back, in the middle of a run or a minute after it.
 * @throws FwError FW_FOREIGN naming the first object and who writes it
 */
export const leaveToWriters = (live: readonly KubeObject[], changes: readonly ObjectRef[]): void => {
  const names = new Set(changes.map(formatRef))
  const kept = live.flatMap((object) => {
    const writer = names.has(formatRef(refOf(object))) ? manifestWriterOf(object) : undefined
    return writer === undefined ? [] : [{ name: formatRef(refOf(object)), writer }]
  })
  const [first] = kept
  if (first === undefined) return
  throw new FwError('FW_FOREIGN', `${first.writer.name} writes ${listed(kept.map(({ name }) => name))}, and would write its copy back`, {
    why: `${first.writer.source}; what it keeps is left to it`,
    fix: 'change the firewall where it comes from, or take these objects out of there first: what --dry-run=client shows is what to change',
  })
}
