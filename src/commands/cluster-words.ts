import type { Cluster } from './context.ts'

type Named = Pick<Cluster, 'contextName' | 'server'>

/** The cluster in one word: its context, or its server where flags alone name it. */
export const clusterName = ({ contextName, server }: Named): string => (contextName === '' ? server : contextName)

/** The cluster on a line of its own, said before anything is written to it: `kubernetes-admin@home → https://192.168.218.189:7443`. */
export const clusterLine = ({ contextName, server }: Named): string => `${contextName === '' ? 'cluster' : contextName} → ${server}`
