import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', 'src')

/** What each room may import besides itself and the two files every room shares. Imports point inward; edges never import each other's insides but through these. */
const mayImport: Record<string, readonly string[]> = {
  net: [],
  calico: ['net'],
  firewall: ['net', 'calico'],
  verdict: ['net', 'calico', 'firewall'],
  proof: ['net', 'calico', 'firewall', 'verdict'],
  doctor: ['net', 'calico', 'firewall', 'verdict', 'proof'],
  rollout: ['net', 'calico', 'firewall', 'verdict', 'proof', 'cluster'],
  cluster: ['net', 'calico', 'firewall', 'rollout'],
  discovery: ['net', 'calico', 'firewall', 'cluster', 'rollout'],
  probe: ['net', 'calico', 'firewall', 'cluster', 'rollout'],
  store: ['rollout'],
  simulator: ['net', 'calico', 'firewall', 'verdict', 'cluster', 'rollout'],
  ui: ['net', 'calico', 'firewall', 'proof', 'doctor', 'rollout'],
  commands: ['net', 'calico', 'firewall', 'verdict', 'proof', 'doctor', 'rollout', 'cluster', 'discovery', 'probe', 'store', 'simulator', 'ui'],
}
const shared = ['errors.ts', 'exit-codes.ts', 'version.ts']
const pure = ['net', 'calico', 'firewall', 'verdict', 'proof', 'doctor']
/** Packages a pure room may use: they compute, and touch nothing outside. */
const purePackages = ['yaml', 'valibot']

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/^(?:import|export)\b[^;']*?from '([^']+)'|\bimport\('([^']+)'\)/gm)]
    .map(([, fixed, lazy]) => fixed ?? lazy ?? '')
    .map((target) => (target.startsWith('.') ? relative(root, join(root, file, '..', target)) : target))
const roomOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : '')

describe('imports point inward', () => {
  it.each(files.filter((file) => roomOf(file) !== ''))('%s', (file) => {
    const room = roomOf(file)
    const allowed = [room, ...(mayImport[room] ?? [])]
    const outward = importsOf(file)
      .filter((target) => target.endsWith('.ts') && !shared.includes(target))
      .filter((target) => !allowed.includes(roomOf(target)))
    expect(outward).toEqual([])
  })

  it.each(files.filter((file) => pure.includes(roomOf(file))))('%s touches nothing outside', (file) => {
    const outside = importsOf(file).filter((target) => !target.endsWith('.ts') && !purePackages.includes(target))
    expect(outside).toEqual([])
  })

  it('the rollout takes only the interface of the cluster', () => {
    const taken = files.filter((file) => roomOf(file) === 'rollout').flatMap(importsOf)
    expect([...new Set(taken.filter((target) => roomOf(target) === 'cluster'))]).toEqual(['cluster/api.ts'])
  })

  it.each(files.filter((file) => file !== 'main.ts'))('%s leaves process, console and the clock to main.ts', (file) => {
    const text = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    expect(text.match(/(?<![.\w'"`-])(?:process\.|console\.|Date\.now\(|Math\.random\(|new Date\(\))/g) ?? []).toEqual([])
  })

  it.each(files)('%s has at most 250 lines', (file) => {
    expect(readFileSync(join(root, file), 'utf8').split('\n').length - 1).toBeLessThanOrEqual(250)
  })
})
