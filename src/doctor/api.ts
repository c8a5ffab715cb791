import { type Check, error, warning } from './check.ts'

/** Where the API is, who asks from where, and who may read what. */
export const apiChecks: readonly Check[] = [
  {
    id: 'FW-D001',
    category: 'API',
    title: 'an API endpoint is known besides the kubeconfig’s own address',
    look: ({ apiEndpoints }) =>
      apiEndpoints.some(({ sources }) => sources.some((source) => source !== 'kubeconfig'))
        ? []
        : [
            warning(
              'no source in the cluster tells where the API is',
              'kubectl get endpointslices -n default -l kubernetes.io/service-name=kubernetes',
            ),
          ],
  },
  {
    id: 'FW-D002',
    category: 'API',
    title: 'every source of API addresses could be read',
    look: ({ unseen }) =>
      unseen
        .filter(({ kind }) => kind === 'api-endpoints')
        .map(({ what, why }) => warning(`${what}: ${why}`, 'keep every address of the API open with: kubectl calico-fw init --failsafe PORT/tcp')),
  },
  {
    id: 'FW-D003',
    category: 'API',
    title: 'the address the cluster sees you by is known',
    look: ({ operatorAddresses }) =>
      operatorAddresses.length > 0
        ? []
        : [warning('whether SSH and the API stay open to you cannot be told from here', 'name your network: kubectl calico-fw init --trust CIDR')],
  },
  {
    id: 'FW-D004',
    category: 'API',
    title: 'control-plane nodes can be told from workers',
    look: ({ nodes }) =>
      nodes.some(({ controlPlane }) => controlPlane)
        ? []
        : [
            warning(
              'no node runs or answers for the API: a hosted control plane, whose addresses are no node’s',
              'kubectl calico-fw init --trust CIDR   # the control plane’s network',
            ),
          ],
  },
  {
    id: 'FW-D801',
    category: 'RBAC',
    title: 'nothing this tool reads is forbidden to you',
    look: ({ unseen }) =>
      unseen
        .filter(({ why }) => /forbidden|the right to/.test(why))
        .map(({ what, why }) =>
          warning(
            `${what}: ${why}`,
            why.includes('pods/exec')
              ? 'kubectl auth can-i create pods/exec -n calico-system'
              : `kubectl auth can-i list ${what.split(' ')[0]?.toLowerCase()} --all-namespaces`,
          ),
        ),
  },
  {
    id: 'FW-D802',
    category: 'RBAC',
    title: 'no source failed for another reason',
    look: ({ unseen }) =>
      unseen
        .filter(({ kind, why }) => ['services', 'policies', 'host-ports', 'other'].includes(kind) && !/forbidden|the right to/.test(why))
        .map(({ what, why }) => error(`${what}: ${why}`, 'kubectl get --raw /readyz?verbose')),
  },
]
