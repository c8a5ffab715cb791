import type { ConnectionFlags } from '../../src/cluster/kubeconfig/connection-flags.ts'
import { resolveKubeconfig } from '../../src/cluster/kubeconfig/resolve-kubeconfig.ts'
import { type ConnectOptions, connect } from '../../src/cluster/transport/connect.ts'
import type { Connection } from '../../src/cluster/transport/connection.ts'
import type { Workstation } from '../../src/cluster/workstation.ts'
import { FwError } from '../../src/errors.ts'
import { type ConfigParts, kubeconfigFor, machineWith } from './test-machine.ts'

/** A connection by a kubeconfig with the given parts. */
export const connectionTo = (
  parts: ConfigParts,
  {
    flags = {},
    machine = {},
    files = {},
    options = {},
  }: { flags?: ConnectionFlags; machine?: Partial<Workstation>; files?: Record<string, string | Buffer>; options?: ConnectOptions } = {},
): Connection => {
  const workstation = machineWith({ '/home/op/.kube/config': kubeconfigFor(parts), ...files }, machine)
  return connect(resolveKubeconfig(flags, workstation), workstation, options)
}

/** The FwError a promise ends in; anything else fails the test. */
export const failureOf = async (promise: Promise<unknown>): Promise<FwError> => {
  const error: unknown = await promise.then(
    (value) => new Error(`it succeeded with ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  )
  if (error instanceof FwError) return error
  throw error
}

/** The FwError a function throws. */
export const thrownBy = (run: () => unknown): FwError => {
  try {
    run()
  } catch (error) {
    if (error instanceof FwError) return error
    throw error
  }
  throw new Error('it threw nothing')
}

/** Everything an error tells, on one line each. */
export const told = ({ code, message, why, fix }: FwError): string => [code, message, why ?? '', fix ?? ''].join('\n')
