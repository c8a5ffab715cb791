import { describe, expect, it } from 'vitest'
import { type KubeObject, refOf } from '../../src/calico/object.ts'
import { FwError } from '../../src/errors.ts'
import { leaveToWriters, manifestWriterOf } from '../../src/firewall/objects/manifest-writer.ts'

const policy = (name: string, metadata: object = {}): KubeObject => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'GlobalNetworkPolicy',
  metadata: { name, labels: { 'app.kubernetes.io/managed-by': 'calico-fw' }, ...metadata },
})

describe('who writes an object from manifests', () => {
  it.each([
    ['Argo CD by its annotation', { annotations: { 'argocd.argoproj.io/tracking-id': 'edge:x' } }, 'Argo CD'],
    ['Argo CD by its field manager', { managedFields: [{ manager: 'argocd-controller', operation: 'Apply' }] }, 'Argo CD'],
    ['Flux by its label', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'edge' } }, 'Flux'],
    ['Helm by its label', { labels: { 'app.kubernetes.io/managed-by': 'Helm' } }, 'Helm'],
    ['this tool', { managedFields: [{ manager: 'calico-fw', operation: 'Apply' }] }, undefined],
    ['kubectl', { managedFields: [{ manager: 'kubectl-edit', operation: 'Update' }] }, undefined],
  ])('%s', (_, metadata, name) => {
    expect(manifestWriterOf(policy('calico-fw-base', metadata))?.name).toBe(name)
  })

  it('and what it writes is not changed by us; what it writes and nobody changes is no matter', () => {
    const live = [policy('calico-fw-base', { annotations: { 'argocd.argoproj.io/tracking-id': 'edge:x' } }), policy('calico-fw-deny')]
    leaveToWriters(live, [refOf(policy('calico-fw-deny')), refOf(policy('calico-fw-allow-new'))])
    const refusal = () => leaveToWriters(live, live.map(refOf))
    expect(refusal).toThrow(FwError)
    expect(refusal).toThrow('Argo CD writes GlobalNetworkPolicy calico-fw-base, and would write its copy back')
  })
})
