import type { Sourced } from '../firewall/facts/components.ts'
import type { NodeObject } from './kube-objects.ts'

/** Marks in a kubelet's version, in the order of how much they tell. */
const byVersion: readonly (readonly [RegExp, string])[] = [
  [/\+rke2/, 'RKE2'],
  [/\+k3s/, 'k3s'],
  [/\+k0s/, 'k0s'],
  [/-eks-/, 'EKS'],
  [/-gke\./, 'GKE'],
  [/\+vmware/, 'Tanzu'],
  [/\+[0-9a-f]{7}$/, 'OpenShift'],
]
/** Labels each of these puts on its nodes. */
const byLabel: readonly (readonly [RegExp, string])[] = [
  [/^microk8s\.io\//, 'MicroK8s'],
  [/^kops\.k8s\.io\//, 'kOps'],
  [/^kubernetes\.azure\.com\//, 'AKS'],
  [/^node\.openshift\.io\//, 'OpenShift'],
  [/^minikube\.k8s\.io\//, 'minikube'],
]
const byImage: readonly (readonly [RegExp, string])[] = [
  [/^Talos/, 'Talos'],
  [/^Flatcar/, 'Flatcar'],
  [/^Bottlerocket/, 'Bottlerocket'],
]

/** Which distribution a cluster is, by what its nodes say of themselves; what names nothing else is kubeadm's where its ConfigMap is there. */
export const distributionOf = (nodes: readonly NodeObject[], hasKubeadm: boolean): Sourced => {
  const [first] = nodes
  const version = first?.status?.nodeInfo?.kubeletVersion ?? ''
  const image = first?.status?.nodeInfo?.osImage ?? ''
  const named = (table: readonly (readonly [RegExp, string])[], text: string) => table.find(([mark]) => mark.test(text))?.[1]
  const ofVersion = named(byVersion, version)
  if (ofVersion !== undefined) return { name: ofVersion, source: `kubelet version ${version}` }
  for (const label of Object.keys(first?.metadata.labels ?? {})) {
    const ofLabel = named(byLabel, label)
    if (ofLabel !== undefined) return { name: ofLabel, source: `node label ${label}` }
  }
  const ofImage = named(byImage, image)
  if (ofImage === 'Talos') return { name: ofImage, source: `node image ${image}` }
  if (hasKubeadm) return { name: 'kubeadm', source: 'ConfigMap kube-system/kubeadm-config' }
  return ofImage === undefined ? { name: 'unknown', source: 'nothing names it' } : { name: ofImage, source: `node image ${image}` }
}
