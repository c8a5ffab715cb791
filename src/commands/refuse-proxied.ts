import { FwError } from '../errors.ts'
import type { Step } from '../rollout/steps.ts'

/**
 * Refuses to close anything through `kubectl proxy` or another plain-http server: what stands between keeps its connection to the API alive, so that it
 * answers new connections from here long after the nodes drop them, and the probes would be green.
 * @throws FwError FW_UNSUPPORTED
 */
export const refuseProxied = (server: string, steps: readonly Step[]): void => {
  if (!server.startsWith('http://') || !steps.some(({ kind }) => kind === 'arm' || kind === 'find-gate')) return
  throw new FwError('FW_UNSUPPORTED', `nothing is closed through ${server}`, {
    why: 'it is no API server but a proxy that keeps a connection to one: it would still answer when new connections are cut',
    fix: 'use a context whose server is the API itself, over https: --context NAME',
  })
}
