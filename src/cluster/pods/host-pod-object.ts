import { keys, ownLabels } from '../../calico/names.ts'
import type { KubeObject } from '../../calico/object.ts'

/** The calico-node pod a short pod is made after. */
export interface ModelPod extends KubeObject {
  readonly spec?: {
    readonly nodeName?: string
    readonly priorityClassName?: string
    readonly imagePullSecrets?: readonly { readonly name?: string }[]
    readonly containers?: readonly { readonly name: string; readonly image?: string }[]
  }
}

/** What one short pod is to do. */
export interface HostPodOrder {
  readonly name: string
  readonly namespace: string
  readonly node: string
  readonly image: string
  readonly command: readonly string[]
  /** Seconds after which the kubelet ends it, whoever still watches. */
  readonly deadlineSeconds: number
  /** Reading the packet filter takes NET_ADMIN; opening connections takes nothing. */
  readonly netAdmin: boolean
}

/** The kubelet keeps 4,096 bytes of a termination message; the first line tells how much more there was. */
const kept = 4_000

/**
 * Runs the command and leaves in the termination message `CODE BYTES` and the beginning of its output; the whole of it goes to the log. The message
 * needs no connection to the kubelet to be read, the log does.
 */
const wrapper = [
  'export LC_ALL=C',
  'out=$("$@" 2>/dev/null)',
  'code=$?',
  `printf '%s %s\\n%s' "$code" "\${#out}" "\${out:0:${kept}}" >/dev/termination-log`,
  `printf '%s' "$out"`,
].join('\n')

/** The pod: on the node by name, past every taint, from the image that is there already, with no token and no right it does not need. */
export const hostPodObject = (model: ModelPod, order: HostPodOrder): KubeObject => {
  const { name, namespace, node, image, command, deadlineSeconds, netAdmin } = order
  const { priorityClassName, imagePullSecrets } = model.spec ?? {}
  const room = { cpu: '100m', memory: '64Mi' }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: ownLabels({ [keys.hostPod]: node.slice(0, 63).replace(/[^a-zA-Z0-9]+$/, '') }) },
    spec: {
      nodeName: node,
      hostNetwork: true,
      restartPolicy: 'Never',
      activeDeadlineSeconds: deadlineSeconds,
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      tolerations: [{ operator: 'Exists' }],
      // calico-node's own: it may stand in this namespace already, and is not the first to be evicted.
      ...(priorityClassName === undefined ? {} : { priorityClassName }),
      ...(imagePullSecrets === undefined ? {} : { imagePullSecrets }),
      containers: [
        {
          name: 'look',
          image,
          imagePullPolicy: 'Never',
          command: ['bash', '-c', wrapper, 'look', ...command],
          resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: room },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            seccompProfile: { type: 'RuntimeDefault' },
            capabilities: { drop: ['ALL'], ...(netAdmin ? { add: ['NET_ADMIN', 'NET_RAW'] } : {}) },
            // Another user than root would not be given the capabilities.
            ...(netAdmin ? { runAsUser: 0 } : {}),
          },
        },
      ],
    },
  }
}
