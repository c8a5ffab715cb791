import { afterEach, describe, expect, it } from 'vitest'
import { v3 } from '../../src/calico/resources.ts'
import { makeAddVip } from '../../src/firewall/add-vip.ts'
import { firewallIn } from '../../src/firewall/firewall-text.ts'
import { vipEntry } from '../../src/firewall/vip-entry.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { parsePortSpec } from '../../src/net/port.ts'
import { addVipSteps } from '../../src/rollout/init-steps.ts'
import { closingRollback, imagesBackTo, onlyCloses, openingRollback } from '../../src/rollout/rollback-steps.ts'
import { startRun } from '../../src/rollout/runner.ts'
import { nextChange, readSituation } from '../../src/rollout/situation.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
afterEach(() => stage.close())

const felixConfiguration = () => stage.sim.objects.get({ apiVersion: v3, kind: 'FelixConfiguration', name: 'default' })?.['spec']
const situation = async () => stage.clock.drive(readSituation(stage.api, (await stage.facts()).calico.flavour))

/** The home firewall, kept. */
const kept = async () => {
  stage = await setStage()
  const before = { table: stage.table(), felix: felixConfiguration() }
  const plan = await stage.plan()
  const outcome = await stage.clock.drive((await stage.init({ plan })).ended)
  expect(outcome).toEqual({ kind: 'done' })
  return { before, plan }
}

/** Opens NodePort 31110 of ws1 for .53, as `add-vip` does. */
const addVip = async () => {
  const facts = await stage.facts()
  const now = await situation()
  const saved = stage.sim.objects.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'calico-fw', name: 'host-firewall' })
  if (saved === undefined) throw new Error('no firewall is saved')
  const existing = firewallIn(saved)
  const entry = vipEntry(
    { address: parseAddress('192.168.218.174'), ports: [parsePortSpec('31110/tcp')], from: [parseCidr('192.168.218.53/32')] },
    new Set(existing.spec.allow.map(({ name }) => name)),
  )
  const made = makeAddVip({ facts, existing, entry, failsafes: [] })
  const change = nextChange(now)
  const config = { ...stage.config(await stage.plan()), change }
  const steps = addVipSteps(change, [made.configMap, ...made.policies], made.failsafes, [])
  return stage.clock.drive(startRun(steps, config, { facts, probes: made.probes }, stage.ports()).ended)
}

/** Goes back to after change `to`. */
const rollBack = async (to: number) => {
  const facts = await stage.facts()
  const now = await situation()
  const images = imagesBackTo(now.checkpoints, to)
  const change = nextChange(now)
  const config = { ...stage.config(await stage.plan()), change, isRollback: !onlyCloses(images) }
  const rollback = { change, to, images, config }
  const steps = config.isRollback
    ? openingRollback(rollback)
    : closingRollback(rollback, { policies: facts.policies, flavour: facts.calico.flavour, closedNodes: [] })
  const undoes = now.changes.filter(({ number }) => number > to).map(({ number }) => number)
  return stage.clock.drive(startRun(steps, config, { facts, probes: [], undoes }, stage.ports()).ended)
}

describe('rollback', () => {
  it('to 0 opens everything and leaves nothing of ours, the failsafes as they were', async () => {
    const { before } = await kept()
    expect(await rollBack(0)).toEqual({ kind: 'done' })
    await stage.clock.advance(2_000)
    expect(stage.table()).toEqual(before.table)
    expect(felixConfiguration()).toEqual(before.felix)
    expect(stage.leftovers()).toEqual([])
    expect(stage.sim.objects.get({ apiVersion: 'v1', kind: 'Namespace', name: 'calico-fw' })).toBeUndefined()
  })

  it('deletes the FelixConfiguration it had to create, although the server filled in defaults', async () => {
    stage = await setStage()
    stage.sim.objects.delete({ apiVersion: v3, kind: 'FelixConfiguration', name: 'default' })
    expect(await stage.clock.drive((await stage.init()).ended)).toEqual({ kind: 'done' })
    expect(felixConfiguration()).toMatchObject({ nftablesMode: 'Auto' })
    expect(await rollBack(0)).toEqual({ kind: 'done' })
    expect(felixConfiguration()).toBeUndefined()
  })

  it('of a kept firewall opens by the open set, which its own Deny does not close; HostEndpoints go when it is seen open', async () => {
    await kept()
    expect(await rollBack(0)).toEqual({ kind: 'done' })
    expect(stage.progress.flatMap((event) => (event.kind === 'note' ? [event.text] : []))).toEqual(['created GlobalNetworkSet calico-fw-open'])
    expect(stage.sim.requests.filter(({ method, path }) => method === 'DELETE' && path.includes('/hostendpoints?'))).toEqual([])
  })

  it('of add-vip closes on trial exactly what it opened, and is itself a numbered change', async () => {
    await kept()
    const closed = stage.table()
    expect(await addVip()).toEqual({ kind: 'done' })
    await stage.clock.advance(2_000)
    expect(stage.table()).toEqual({ ...closed, 'win -> ws1:31110': 'OPEN' })
    expect(await rollBack(1)).toEqual({ kind: 'done' })
    await stage.clock.advance(2_000)
    expect(stage.table()).toEqual(closed)
    const now = await situation()
    expect(now.changes.map(({ number, undoes, undoneBy }) => ({ number, undoes, undoneBy }))).toEqual([
      { number: 1, undoes: [], undoneBy: undefined },
      { number: 2, undoes: [], undoneBy: 3 },
      { number: 3, undoes: [2], undoneBy: undefined },
    ])
    expect(now.gates).toEqual([])
  })

  it('to 0 takes add-vip with it', async () => {
    const { before } = await kept()
    await addVip()
    expect(await rollBack(0)).toEqual({ kind: 'done' })
    await stage.clock.advance(2_000)
    expect(stage.table()).toEqual(before.table)
    expect(stage.leftovers()).toEqual([])
  })

  it('leaves failsafes alone that somebody edited since, says so, and everything else is back', async () => {
    const { before } = await kept()
    const edited = [{ protocol: 'TCP', port: 22 }]
    stage.sim.objects.update({ apiVersion: v3, kind: 'FelixConfiguration', name: 'default' }, (object) => ({
      ...object,
      spec: {
        ...(object['spec'] as object),
        failsafeInboundHostPorts: [...edited, { protocol: 'TCP', port: 6443 }, { protocol: 'TCP', port: 7443 }],
      },
    }))
    await stage.clock.advance(15_000)
    const outcome = await rollBack(0)
    expect(outcome).toMatchObject({
      kind: 'incomplete',
      remaining: [{ title: 'restore failsafe ports' }, { title: 'verify objects and probes' }, {}],
    })
    // What could not be put back keeps the cluster open rather than closed.
    expect(stage.table()).toEqual(before.table)
  })
})
