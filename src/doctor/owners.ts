import { fieldManager, keys } from '../calico/names.ts'
import { formatRef, type KubeObject, refOf } from '../calico/object.ts'
import { type Check, warning } from './check.ts'

/** Who writes back what others change, by the names their clients give themselves. */
const keepers = /^(argocd|argo-cd|kustomize-controller|helm|helm-controller|flux|fleet|rancher|terraform|pulumi|ansible)/i

const keepersOf = ({ metadata }: KubeObject): string[] => [
  ...new Set((metadata.managedFields ?? []).flatMap(({ manager = '' }) => (keepers.test(manager) ? [manager] : []))),
]
const isSynced = ({ metadata }: KubeObject): string | undefined => {
  const labels = { ...metadata.labels, ...metadata.annotations }
  return ['argocd.argoproj.io/instance', 'argocd.argoproj.io/tracking-id', 'kustomize.toolkit.fluxcd.io/name', 'helm.toolkit.fluxcd.io/name'].find(
    (key) => key in labels,
  )
}

/** Who else has a hand on the objects this tool writes. */
export const ownerChecks: readonly Check[] = [
  {
    id: 'FW-D751',
    category: 'owners',
    title: 'nobody writes FelixConfiguration default back',
    look: ({ felixConfigurations }) =>
      felixConfigurations
        .filter(({ metadata }) => metadata.name === 'default')
        .flatMap((one) => [...keepersOf(one), ...[isSynced(one)].filter((key) => key !== undefined)].slice(0, 1))
        .map((keeper) =>
          warning(
            `${keeper} keeps FelixConfiguration default: failsafes added here may vanish, and every edit restarts every Felix`,
            'put the failsafes into that source too',
          ),
        ),
  },
  {
    id: 'FW-D752',
    category: 'owners',
    title: 'nobody else writes objects of this tool',
    look: ({ own }) =>
      own
        .filter((object) => object.metadata.labels?.[keys.managedBy] === fieldManager)
        .map((object) => ({ object, keeper: keepersOf(object)[0] ?? isSynced(object) }))
        .filter(({ keeper }) => keeper !== undefined)
        .map(({ object, keeper }) =>
          warning(
            `${keeper} keeps ${formatRef(refOf(object))}: an old copy may come back`,
            'take it out of that source: kubectl calico-fw keeps its own file in the cluster',
          ),
        ),
  },
]
