import type { KubeObject } from '../../src/calico/object.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'
import { initSteps } from '../../src/rollout/init-steps.ts'
import type { ArmedGate, RunConfig, RunState, StepResult } from '../../src/rollout/state.ts'
import type { Step } from '../../src/rollout/steps.ts'

const object = (apiVersion: string, kind: string, name: string, namespace?: string): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: { 'app.kubernetes.io/managed-by': 'calico-fw' } },
})
const v3 = 'projectcalico.org/v3'

export const openSet = object(v3, 'GlobalNetworkSet', 'calico-fw-open')
export const gate = { job: object('batch/v1', 'Job', 'gate-1', 'calico-fw'), set: object(v3, 'NetworkSet', 'gate-1', 'calico-fw') }

/** A plan by hand: the machine looks at names and nodes only. */
export const smallPlan = (nodes: readonly string[]): Plan => ({
  change: 1,
  firewall: {
    apiVersion: 'calico-fw.github.io/v1alpha1',
    kind: 'HostFirewall',
    metadata: { name: 'small' },
    spec: { interfaces: [], trustedNets: [], allow: [], extraFailsafePorts: { inbound: [], outbound: [] } },
  },
  failsafes: {
    ref: { apiVersion: v3, kind: 'FelixConfiguration', name: 'default' },
    exists: true,
    before: { inbound: null, outbound: null },
    after: { inbound: [{ protocol: 'TCP', port: 22 }], outbound: [] },
    added: [],
  },
  sets: [object(v3, 'GlobalNetworkSet', 'calico-fw-nodes')],
  policies: [
    object(v3, 'GlobalNetworkPolicy', 'calico-fw-base'),
    {
      ...object(v3, 'GlobalNetworkPolicy', 'calico-fw-gate-1'),
      metadata: { name: 'calico-fw-gate-1', labels: { 'calico-fw.github.io/policy': 'gate' } },
    },
  ],
  gate,
  batches: nodes.map((node) => ({ title: node, nodes: [node], hostEndpoints: [object(v3, 'HostEndpoint', `${node}-eth0`)] })),
  deny: object(v3, 'GlobalNetworkPolicy', 'calico-fw-deny'),
  finish: { write: [], remove: [] },
  openSet,
  probes: [],
  differences: [],
  notices: [],
})

export const config: RunConfig = { change: 1, windowSeconds: 90, maxLagMs: 5_000, maxQuestionMs: 600_000, openSet, opened: false, isRollback: false }

export const smallSteps = (nodes: readonly string[] = ['a', 'b']): Step[] => initSteps(smallPlan(nodes))

const armedGate = (armedAt: number, seconds = 90): ArmedGate => ({ objects: gate, jobUid: 'job', setUid: 'set', armedAt, seconds })

/** What a step yields when the outside behaves. */
export const yieldOf = (step: Step, state: RunState, now: number): StepResult | undefined => {
  switch (step.kind) {
    case 'checkpoint':
      return { kind: 'images', images: step.refs.map((ref) => ({ ref, before: null })) }
    case 'arm':
    case 'find-gate':
      return { kind: 'gate', gate: armedGate(now) }
    case 'renew':
    case 'pulse':
      return { kind: 'gate', gate: { ...(state.gate ?? armedGate(now)), seconds: Math.ceil((now - (state.gate?.armedAt ?? now)) / 1000) + 90 } }
    case 'ask':
      return { kind: 'answer', answer: 'keep' }
    default:
      return undefined
  }
}
