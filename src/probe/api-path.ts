import type { Api } from '../cluster/api.ts'
import { FwError } from '../errors.ts'
import { seenFailure } from './answer.ts'
import type { AttemptOptions, Seen } from './dialer.ts'

/** `/readyz` by the kubeconfig's own address and credentials. */
export const askApi = async (api: Pick<Api, 'request'>, { timeoutMs, signal }: AttemptOptions): Promise<Seen> => {
  try {
    await api.request('GET', '/readyz', undefined, { timeoutMs, signal })
    return { outcome: 'ok' }
  } catch (error) {
    signal.throwIfAborted()
    // Who answers that has been reached, over a new connection.
    if (error instanceof FwError && error.code === 'FW_FORBIDDEN') return { outcome: 'ok' }
    return seenFailure(error, 'get the path /readyz')
  }
}

/**
 * A kubelet's `/healthz` through the API server's node proxy. The API server keeps its connections to kubelets open and would answer over one
 * from before the change; for an upgrade request it dials anew (k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go, `tryUpgrade`). The kubelet does
 * not upgrade /healthz, which the API server reports as an "invalid upgrade response" with the kubelet's status: that is the answer asked for.
 */
export const askKubelet = async (api: Pick<Api, 'request'>, node: string, { timeoutMs, signal }: AttemptOptions): Promise<Seen> => {
  try {
    const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1' }
    await api.request('GET', `/api/v1/nodes/${encodeURIComponent(node)}/proxy/healthz`, undefined, { timeoutMs, signal, headers })
    return { outcome: 'ok' }
  } catch (error) {
    signal.throwIfAborted()
    return isKubeletsOwn(error) ? { outcome: 'ok' } : seenFailure(error, 'get nodes/proxy')
  }
}

const isKubeletsOwn = (error: unknown): boolean =>
  error instanceof FwError && /invalid upgrade response: status code 200/.test(`${error.message} ${error.why ?? ''}`)
