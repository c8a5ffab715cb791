import { afterEach, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { storage, v3 } from '../../src/calico/resources.ts'
import { type Right, rightsOf, rightsToWrite } from '../../src/calico/rights.ts'
import { FwError } from '../../src/errors.ts'
import { openSet } from '../../src/firewall/objects/network-sets.ts'
import { openEverything } from '../../src/rollout/perform/open.ts'
import { imagesBackTo, openingRollback } from '../../src/rollout/rollback-steps.ts'
import { startRun } from '../../src/rollout/runner.ts'
import { nextChange, readSituation } from '../../src/rollout/situation.ts'
import { type Stage, setStage } from '../rollout/stage.ts'
import { type Asked, askedBy, covers, inWords, withCreates } from './attributes.ts'
import { rbacFile, rbacObjects } from './manifest.ts'

const namespaces = { tool: 'calico-fw', calico: 'calico-system' }
/** The stage's prober reads single Nodes and heartbeats; the product's lists them. */
const isOfTheStage = ({ verb, resource, namespace }: Asked): boolean => verb === 'get' && (resource === 'nodes' || namespace === 'kube-node-lease')
const unique = (texts: readonly string[]): string[] => [...new Set(texts)].sort()

type Served = 'native' | 'aggregated' | 'storage'

/** With storage CRDs alone the same file is applied with the group renamed (docs/rights.md): what is asked there must be granted here. */
const asRenamed = ({ operate, recover }: Record<'operate' | 'recover', Asked[]>) => {
  const renamed = (one: Asked): Asked => (one.group === 'crd.projectcalico.org' ? { ...one, group: 'projectcalico.org' } : one)
  return { operate: operate.map(renamed), recover: recover.map(renamed) }
}

let stage: Stage
afterEach(() => stage?.close())

it('deploy/rbac.yaml is what the rights in the code make of it', async () => {
  await expect(rbacFile()).toMatchFileSnapshot('../../deploy/rbac.yaml')
})

it('nobody is granted Secrets, a wildcard, or the right to grant', () => {
  for (const { group, resource, verbs } of Object.values(rightsOf).flat()) {
    expect(resource).not.toBe('secrets')
    expect([group, resource, ...verbs]).not.toContain('*')
    expect(['escalate', 'bind', 'impersonate'].some((verb) => verbs.includes(verb))).toBe(false)
  }
})

/** What a right is one verb of. */
const single = (rights: readonly Right[]): Right[] => rights.flatMap((right) => right.verbs.map((verb) => ({ ...right, verbs: [verb] })))
const rightInWords = ({ group, resource, verbs: [verb = ''], where, names }: Right): string =>
  `${inWords({ verb, group, resource, ...(where === 'cluster' ? {} : { namespace: namespaces[where] }) })}${names === undefined ? '' : ` ${names.join(' ')}`}`

/** Whether blocks of it are in use is asked for. */
const disabledPool = (flavour: Served): KubeObject => ({
  apiVersion: flavour === 'storage' ? storage : v3,
  kind: 'IPPool',
  metadata: { name: 'disabled' },
  spec: { cidr: '10.250.0.0/16', disabled: true },
})

const prepared = () => rbacObjects()[0] as KubeObject

const rollBack = async () => {
  const facts = await stage.facts()
  const now = await stage.clock.drive(readSituation(stage.api, facts.calico.flavour))
  const images = imagesBackTo(now.checkpoints, 0)
  const config = { ...stage.config(await stage.plan()), change: nextChange(now), isRollback: true }
  const steps = openingRollback({ change: config.change, to: 0, images, config })
  return stage.clock.drive(startRun(steps, config, { facts, probes: [], undoes: [1] }, stage.ports()).ended)
}

/** What a sitting asks the API for: a whole init, opening it, and the way back to before the first change. */
const sitting = async (flavour: Served, change: () => Promise<void>): Promise<{ operate: Asked[]; recover: Asked[] }> => {
  stage = await setStage({ flavour })
  stage.sim.objects.create(prepared())
  stage.sim.objects.create(disabledPool(flavour))
  const log = stage.sim.requests
  const since = (from: number) =>
    withCreates(
      log
        .slice(from)
        .flatMap((request) => askedBy(request) ?? [])
        .filter((one) => !isOfTheStage(one)),
    )
  await change()
  expect(await stage.clock.drive((await stage.init()).ended)).toEqual({ kind: 'done' })
  const before = log.length
  await stage.clock.drive(readSituation(stage.api, flavour))
  await open(flavour)
  if (flavour !== 'aggregated') await openWithoutSets(flavour)
  const recover = since(before)
  expect(await rollBack()).toEqual({ kind: 'done' })
  const operate = since(0)
  await stage.close()
  return { operate, recover }
}

const open = (flavour: Served) => {
  const patience = { gate: undefined, untilMs: stage.clock.now() + 10_000, note: () => undefined }
  return stage.clock.drive(openEverything(stage.api, stage.clock, { openSet: openSet(flavour), ...patience }))
}

/** The open set cannot be written: the HostEndpoints go. */
const openWithoutSets = async (flavour: Served) => {
  const heal = stage.sim.faults.add({ method: 'PATCH', path: /globalnetworksets/, times: 2, harm: { kind: 'status', code: 503 } })
  expect(await open(flavour)).toBe('deleted every HostEndpoint of ours')
  heal()
}

const withoutFelixConfiguration = async () => void stage.sim.objects.delete({ apiVersion: v3, kind: 'FelixConfiguration', name: 'default' })

/** Calico's API server is down: what `doctor` reads then. */
const withStorageOnly = async () => {
  stage.sim.aggregated.stop()
  await stage.clock.advance(60_000)
  await stage.facts()
  stage.sim.aggregated.thaw()
  await stage.clock.advance(60_000)
}

/** Asked for by real servers and on real clusters alone: the lab shows the tiers' (test/lab/rbac.lab.ts). */
const notSimulated = /tier\.globalnetworkpolicies|^get tiers|^list (installations|datastoremigrations)|^list leases/

describe('the roles', () => {
  it('grant what the code asks for, and nothing else', { timeout: 60_000 }, async () => {
    const sittings = [
      await sitting('native', withoutFelixConfiguration),
      await sitting('aggregated', withStorageOnly),
      asRenamed(await sitting('storage', async () => undefined)),
    ]
    const asked = { operate: sittings.flatMap(({ operate }) => operate), recover: sittings.flatMap(({ recover }) => recover) }
    for (const role of ['operate', 'recover'] as const) {
      const granted = [...rightsOf[role], ...rightsOf.nodes]
      const refused = asked[role].filter((one) => !granted.some((right) => covers(right, one, namespaces)))
      expect([role, unique(refused.map(inWords))]).toEqual([role, []])
      // Facts are gathered by every role; what `recover` has beyond them it must have used.
      const own = rightsOf[role].filter((right) => role === 'operate' || !rightsOf.read.includes(right))
      const unneeded = single(own).filter((right) => !asked[role].some((one) => covers(right, one, namespaces)))
      expect([role, unique(unneeded.map(rightInWords)).filter((words) => !notSimulated.test(words))]).toEqual([role, []])
    }
  })
})

describe('a right that is missing', () => {
  it.each(['native', 'aggregated'] as const)('to write is found before the first write, %s', async (flavour) => {
    stage = await setStage({ flavour })
    stage.sim.objects.create(prepared())
    const plan = await stage.plan()
    for (const {
      group,
      resource,
      verbs: [verb = ''],
      where,
      names,
    } of single(rightsToWrite).filter(({ only = flavour }) => only === flavour)) {
      const giveBack = stage.sim.deny({ group, resource, verb, ...(where === 'cluster' ? {} : { namespace: namespaces[where] }) })
      const before = stage.sim.requests.length
      const outcome = await stage.clock.drive((await stage.init({ plan })).ended)
      const error = outcome.kind === 'refused' ? outcome.reason.error : undefined
      const label = `${verb} ${resource} ${names ?? ''}`
      expect([label, outcome.kind, error instanceof FwError ? error.code : error]).toEqual([label, 'refused', 'FW_FORBIDDEN'])
      const written = stage.sim.requests.slice(before).filter(({ method, path }) => method !== 'GET' && !/dryRun|accessreviews|\/leases/.test(path))
      expect([label, written.map(({ method, path }) => `${method} ${path}`)]).toEqual([label, []])
      giveBack()
    }
  })
})
