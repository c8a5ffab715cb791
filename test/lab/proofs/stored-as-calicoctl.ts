import { writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import type { Lab } from '../lab.ts'
import { run } from '../machine/run.ts'
import { inBrief } from './home-answers.ts'
import type { Page } from './page.ts'

const plurals = { HostEndpoint: 'hostendpoints', GlobalNetworkPolicy: 'globalnetworkpolicies', GlobalNetworkSet: 'globalnetworksets' } as const
const recorded = 'projectcalico.org/metadata'

interface Stored {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: object; readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: object
}

/**
 * What the product has stored where Calico has only its storage CRDs is what calicoctl stores for the same objects, byte for byte but for times: each is deleted
 * and written again by the real calicoctl from its v3 form. Packets are not asked: the firewall is taken apart meanwhile.
 */
export const proveStoredAsCalicoctl = async (lab: Lab, page: Page): Promise<void> => {
  const ours = await storedIn(lab)
  for (const { kind, metadata } of ours)
    await lab.api.request('DELETE', `/apis/crd.projectcalico.org/v1/${plurals[kind as keyof typeof plurals]}/${metadata.name}`)
  await applyByCalicoctl(lab, ours.map(asV3))
  const theirs = await storedIn(lab)
  const differing = ours.filter((one, at) => text(one) !== text(theirs[at]))
  page.fact(
    'every object is stored as the real calicoctl stores it, but for times',
    differing.length === 0 && ours.length === theirs.length && ours.length > 5,
    differing.length === 0
      ? `${ours.length} objects of ${Object.keys(plurals).length} kinds`
      : inBrief(differing.map(({ kind, metadata }) => `${kind} ${metadata.name}`)),
  )
  for (const one of differing.slice(0, 3)) page.say(`ours:    ${text(one)}\ntheirs:  ${text(theirs[ours.indexOf(one)])}`)
}

/** Its first write tells ClusterInformation its version: done before a cluster is remembered, that is no difference of ours. */
export const letCalicoctlIntroduceItself = async (lab: Lab): Promise<void> => {
  const name = 'introduction'
  await applyByCalicoctl(lab, [{ apiVersion: 'projectcalico.org/v3', kind: 'GlobalNetworkSet', metadata: { name }, spec: {} }])
  await lab.api.request('DELETE', `/apis/crd.projectcalico.org/v1/globalnetworksets/${name}`)
}

const applyByCalicoctl = async (lab: Lab, objects: readonly object[]): Promise<void> => {
  const { calicoctl } = lab.binaries
  if (calicoctl === undefined) throw new Error('CALICOCTL names no calicoctl')
  const path = lab.state.at('by-calicoctl.yaml')
  writeFileSync(path, objects.map((one) => stringify(one)).join('---\n'))
  const env = { ...process.env, DATASTORE_TYPE: 'kubernetes', KUBECONFIG: lab.state.at('pki', 'admin.kubeconfig') }
  await run(lab.argvIn('adm', [calicoctl, '--allow-version-mismatch', 'apply', '-f', path]), { env })
}

/** Ours, but for the switches, which are storage objects everywhere. */
const storedIn = async (lab: Lab): Promise<Stored[]> => {
  const lists = await Promise.all(
    Object.entries(plurals).map(async ([kind, plural]) => {
      const { items } = (await lab.api.request('GET', `/apis/crd.projectcalico.org/v1/${plural}`)).body as { items: Omit<Stored, 'kind'>[] }
      return items.map((item): Stored => ({ ...item, kind }))
    }),
  )
  return lists.flat().filter(({ metadata }) => metadata.annotations?.[recorded]?.includes('"calico-fw"') === true)
}

const asV3 = ({ kind, metadata, spec }: Stored): object => {
  const {
    name = metadata.name,
    labels,
    annotations,
  } = JSON.parse(metadata.annotations?.[recorded] ?? '{}') as { name?: string; labels?: Record<string, string>; annotations?: object }
  const { 'projectcalico.org/tier': _, ...own } = labels ?? {}
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: { name, labels: own, ...(annotations === undefined ? {} : { annotations }) }, spec }
}

/** As it is stored, without what the server fills in, and without times. */
const text = (stored: Stored | undefined): string => {
  if (stored === undefined) return 'nothing'
  const { name, labels, annotations } = stored.metadata
  return JSON.stringify({ kind: stored.kind, name, labels, annotations, spec: stored.spec }, sorted).replace(
    /\\"creationTimestamp\\":(null|\\"[^"\\]*\\")/g,
    '\\"creationTimestamp\\":TIME',
  )
}
const sorted = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort()) : value
