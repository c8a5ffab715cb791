import type { ProgramFacts } from '../firewall/facts/components.ts'
import { type Container, flagOf } from './kube-objects.ts'
import { addressIn } from './loose-text.ts'

/** Containers, and where they run. */
export interface Placed {
  /** `DaemonSet metallb-system/speaker`, `Pod kube-system/kube-vip-control1`. */
  readonly source: string
  readonly containers: readonly Container[]
  /** Absent: on every node its owner wants. */
  readonly node?: string
}

const portIn = (text: string | undefined, fallback: number): number => (/^\d{1,5}$/.test(text ?? '') ? Number(text) : fallback)
const envOf = ({ env = [] }: Container, ...names: readonly string[]): string | undefined => env.find(({ name }) => names.includes(name))?.value

type Known = Omit<ProgramFacts, 'source' | 'nodes'>

/** What a container is, by its image. Ports are those of its own documentation unless its environment or command line says otherwise. */
const knownAs = (container: Container): Known | undefined => {
  const image = (container.image ?? '').replace(/[@:][^/]*$/, '')
  if (/metallb.*speaker/.test(image)) {
    const port = portIn(envOf(container, 'METALLB_ML_BIND_PORT') ?? flagOf(container, 'ml-bindport'), 7946)
    const members = envOf(container, 'METALLB_ML_LABELS') === undefined && envOf(container, 'METALLB_ML_BIND_ADDR') === undefined
    return {
      kind: 'MetalLB',
      name: 'MetalLB speaker',
      ports: members
        ? []
        : [
            { protocol: 'TCP', port },
            { protocol: 'UDP', port },
          ],
    }
  }
  if (/(^|\/)kube-vip[^/]*$/.test(image)) {
    const vip = addressIn(envOf(container, 'address', 'vip_address') ?? flagOf(container, 'address'))
    const port = portIn(envOf(container, 'port'), 6443)
    return { kind: 'kube-vip', name: 'kube-vip', ports: [{ protocol: 'TCP', port }], ...(vip === undefined ? {} : { vip }) }
  }
  if (/keepalived/.test(image)) return { kind: 'keepalived', name: 'keepalived', ports: [{ protocol: 112 }] }
  if (/haproxy[^/]*$/.test(image) && !/ingress/.test(image)) return { kind: 'HAProxy', name: 'HAProxy', ports: [] }
  return undefined
}

/** Programs that hold addresses or lead others on, each told once with all nodes it was found on. */
export const programsOf = (placed: readonly Placed[]): ProgramFacts[] => {
  const found = new Map<string, ProgramFacts>()
  for (const { source, containers, node } of placed) {
    for (const container of containers) {
      const known = knownAs(container)
      if (known === undefined) continue
      const key = JSON.stringify(known)
      const before = found.get(key)
      // On every node by its DaemonSet says more than on some by its pods.
      const nodes = node === undefined || (before !== undefined && before.nodes === undefined) ? undefined : [...(before?.nodes ?? []), node]
      found.set(key, { ...known, source: before?.source ?? source, ...(nodes === undefined ? {} : { nodes }) })
    }
  }
  return [...found.values()]
}
