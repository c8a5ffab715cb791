import { readFileSync } from 'node:fs'
import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import { kubeletsBefore } from '../../src/commands/rollback-probes.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { firewallIn } from '../../src/firewall/file/firewall-text.ts'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { makeAddVip } from '../../src/firewall/plan/add-vip.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { vipEntry } from '../../src/firewall/plan/vip-entry.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { parsePortSpec } from '../../src/net/port.ts'
import { type ChosenRollback, chooseRollback } from '../../src/rollout/choose-rollback.ts'
import { confirmSteps, finishOfTrial, nothingToFinish } from '../../src/rollout/confirm-steps.ts'
import { addVipSteps, initSteps } from '../../src/rollout/init-steps.ts'
import { differingImages } from '../../src/rollout/perform/restore.ts'
import type { RolloutPorts } from '../../src/rollout/ports.ts'
import { imagesBackTo } from '../../src/rollout/rollback-steps.ts'
import { startRun } from '../../src/rollout/runner.ts'
import { nextChange, nextNumber, readSituation, type Situation } from '../../src/rollout/situation.ts'
import type { Outcome } from '../../src/rollout/state.ts'
import { withoutStray } from '../../src/rollout/strays.ts'
import type { Stage } from './stage.ts'

const home = readFileSync(new URL('../../examples/home.yaml', import.meta.url), 'utf8')

/** Where the cluster stands. */
export const situationOn = async (stage: Stage): Promise<Situation> =>
  stage.clock.drive(readSituation(stage.api, (await stage.facts()).calico.flavour))

/** FelixConfiguration `default`, as the cluster has it. */
export const felixConfiguration = ({ sim }: Stage): unknown =>
  sim.objects.get({ apiVersion: v3, kind: 'FelixConfiguration', name: 'default' })?.['spec']

/** `init` with the home file, or what `edit` makes of it. */
export const init = async (stage: Stage, edit: (text: string) => string = (text) => text, ports: Partial<RolloutPorts> = {}): Promise<Outcome> => {
  const facts = await stage.facts()
  const change = nextChange(await situationOn(stage))
  const plan = makePlan({ firewall: parseHostFirewall(edit(home), 'home.yaml'), facts, change, windowSeconds: 30 })
  return stage.clock.drive(
    startRun(initSteps(plan), stage.config(plan), { facts, probes: plan.probes, evidence: { versions: {}, plan: {}, proof: {} } }, stage.ports(ports))
      .ended,
  )
}

/** Keeps a trial that another client left armed, as `confirm` does. */
export const confirm = async (stage: Stage, ports: Partial<RolloutPorts> = {}): Promise<Outcome> => {
  const facts = await stage.facts()
  const situation = await situationOn(stage)
  const gate = situation.gates.find(({ armed }) => armed)
  if (gate === undefined) throw new Error('nothing is on trial')
  const { change } = gate
  const closedNodes = situation.hostEndpoints.map(({ spec }) => spec.node)
  const plan = makePlan({ firewall: parseHostFirewall(situation.firewall ?? '', 'saved'), facts, change, windowSeconds: 30 })
  const steps = confirmSteps({
    ...{ change, number: nextNumber(situation, change), deny: denyPolicy([...situation.committed, change]), gate: gate.objects, closedNodes },
    finish: finishOfTrial(plan, situation) ?? nothingToFinish,
  })
  return stage.clock.drive(startRun(steps, stage.config(plan), { facts, probes: plan.probes }, stage.ports(ports)).ended)
}

/** Opens a NodePort of ws1 for .53, as `add-vip` does. */
export const addVip = async (stage: Stage, port = '31110/tcp'): Promise<Outcome> => {
  const facts = await stage.facts()
  const saved = stage.sim.objects.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'calico-fw', name: 'host-firewall' })
  if (saved === undefined) throw new Error('no firewall is saved')
  const existing = firewallIn(saved)
  const entry = vipEntry(
    { address: parseAddress('192.168.218.174'), ports: [parsePortSpec(port)], from: [parseCidr('192.168.218.53/32')] },
    new Set(existing.spec.allow.map(({ name }) => name)),
  )
  const made = makeAddVip({ facts, existing, entry, failsafes: [] })
  const change = nextChange(await situationOn(stage))
  const config = { ...stage.config(await stage.plan()), change }
  const steps = addVipSteps(change, [made.configMap, ...made.policies], made.failsafes, [])
  return stage.clock.drive(startRun(steps, config, { facts, probes: made.probes }, stage.ports()).ended)
}

/** Goes back to after change `to`. */
export const rollBack = async (
  stage: Stage,
  to: number,
  ports: Partial<RolloutPorts> = {},
): Promise<{ outcome: Outcome; way: ChosenRollback['way']; steps: ChosenRollback['steps'] }> => {
  const facts = await stage.facts()
  const now = await situationOn(stage)
  const images = [...imagesBackTo(now.checkpoints, to), ...(to === 0 ? now.strays.map(withoutStray) : [])]
  const change = nextChange(now)
  const differing = await stage.clock.drive(differingImages(stage.api, images))
  const standing = { ...now, differing, policies: facts.policies, flavour: facts.calico.flavour, closedNodes: [] }
  const { steps, config, way } = chooseRollback({ change, to, images, config: { ...stage.config(await stage.plan()), change } }, standing)
  const undoes = now.changes.filter(({ number }) => number > to).map(({ number }) => number)
  return {
    outcome: await stage.clock.drive(
      startRun(steps, config, { facts, probes: [], answered: kubeletsBefore(facts, now.checkpoints, to), undoes }, stage.ports(ports)).ended,
    ),
    way,
    steps,
  }
}

/** Everything of ours that decides about packets, and the failsafe lists: what a way back must bring back to the letter. */
export const standing = (stage: Stage): Record<string, unknown> => {
  const ours = ['HostEndpoint', 'GlobalNetworkPolicy', 'GlobalNetworkSet', 'NetworkSet'].flatMap((kind) => stage.sim.objects.list(v3, kind))
  const services = stage.sim.objects.list('v1', 'Service')
  const told = [...ours, ...services]
    .filter(isOurs)
    .map(({ kind, metadata, ...rest }) => [`${kind} ${metadata.name}`, { labels: metadata.labels, spec: rest['spec'] }])
  const saved = stage.sim.objects.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'calico-fw', name: 'host-firewall' })?.['data']
  return { ...Object.fromEntries(told), felix: felixConfiguration(stage), saved }
}

const isOurs = ({ metadata }: KubeObject): boolean => metadata.labels?.['app.kubernetes.io/managed-by'] === 'calico-fw'
