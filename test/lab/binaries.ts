import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Programs and data the lab takes from outside the project; absent ones skip what needs them. */
export interface Binaries {
  /** Folder of the control-plane program's names: etcd, kube-apiserver, kube-controller-manager, kube-proxy, kubectl, fake-kubelet. */
  readonly controlPlane: string
  readonly felix?: string
  readonly calicoApiserver?: string
  readonly kubeControllers?: string
  readonly typha?: string
  readonly calicoctl?: string
  readonly crds?: CalicoCrds
}

/** Where the files of Calico's three schemas are. */
export interface CalicoCrds {
  readonly native: string
  readonly storage: string
  readonly admission?: string
}

const outside = {
  felix: 'CALICO_FELIX',
  calicoApiserver: 'CALICO_APISERVER',
  kubeControllers: 'CALICO_KUBE_CONTROLLERS',
  typha: 'CALICO_TYPHA',
  calicoctl: 'CALICOCTL',
} as const

type Env = Readonly<Record<string, string | undefined>>

/** Finds the programs by environment. A path that is given and leads nowhere is an error: a lab that silently skips what one asked for lies. */
export const findBinaries = (env: Env, defaultControlPlane: string): Binaries => {
  const controlPlane = env['LAB_CONTROL_PLANE'] || defaultControlPlane
  if (!existsSync(join(controlPlane, 'kube-apiserver'))) {
    throw new Error(`no control plane in ${controlPlane}: run "npm run lab -- build" (needs Go), or set LAB_CONTROL_PLANE to a folder that has one`)
  }
  const found = Object.entries(outside).flatMap(([key, variable]) => {
    const path = env[variable]
    if (!path) return []
    if (!existsSync(path)) throw new Error(`${variable}=${path}: no such file`)
    return [[key, path] as const]
  })
  const crds = findCrds(env['CALICO_CRDS'])
  return { controlPlane, ...Object.fromEntries(found), ...(crds === undefined ? {} : { crds }) }
}

/** Takes a Calico source tree, or a folder with `native`, `storage` and `admission` in it. */
const findCrds = (root: string | undefined): CalicoCrds | undefined => {
  if (!root) return undefined
  const first = (...candidates: string[]) => candidates.map((path) => join(root, path)).find((path) => existsSync(path))
  const native = first('native', 'api/config/crd')
  const storage = first('storage', 'libcalico-go/config/crd')
  const admission = first('admission', 'api/admission')
  if (native === undefined || storage === undefined)
    throw new Error(`CALICO_CRDS=${root}: neither a Calico source tree nor a folder with native/ and storage/ in it`)
  return { native, storage, ...(admission === undefined ? {} : { admission }) }
}

/** Whether the control-plane program has a role, for example `fake-kubelet`. */
export const hasRole = (binaries: Binaries, role: string): boolean => existsSync(join(binaries.controlPlane, role))
