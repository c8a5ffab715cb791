import { kindSchema, labelSelector, metadata } from './metadata.ts'
import { anything, between, flag, keyed, keyedPorts, list, map, object, oneOf, type Schema, set, text, whole } from './schema.ts'

const open = object({}, { open: true })
const env = keyed(object({ name: text, value: text, valueFrom: anything }, { required: ['name'] }), 'name')
const containerPort = object({ containerPort: whole, hostPort: whole, hostIP: text, name: text, protocol: text })

const container = object(
  {
    ...{ name: text, image: text, imagePullPolicy: text, command: list(text), args: list(text), workingDir: text, env, envFrom: list(anything) },
    ports: keyedPorts(containerPort, 'containerPort'),
    volumeMounts: keyed(open, 'mountPath'),
    ...{ resources: open, securityContext: open, livenessProbe: open, readinessProbe: open, startupProbe: open, lifecycle: open },
    ...{ terminationMessagePath: text, terminationMessagePolicy: text, stdin: flag, tty: flag },
  },
  { required: ['name'] },
)

const podSpec = object({
  ...{ containers: keyed(container, 'name'), initContainers: keyed(container, 'name'), volumes: keyed(open, 'name') },
  ...{ restartPolicy: oneOf('Always', 'OnFailure', 'Never'), nodeName: text, nodeSelector: map(text), affinity: open, tolerations: list(open) },
  ...{ hostNetwork: flag, hostPID: flag, hostIPC: flag, hostname: text, subdomain: text, dnsPolicy: text, dnsConfig: open, hostAliases: list(open) },
  ...{ serviceAccountName: text, serviceAccount: text, automountServiceAccountToken: flag, imagePullSecrets: keyed(open, 'name') },
  ...{ priorityClassName: text, priority: whole, preemptionPolicy: text, schedulerName: text, securityContext: open, runtimeClassName: text },
  ...{
    terminationGracePeriodSeconds: whole,
    activeDeadlineSeconds: whole,
    enableServiceLinks: flag,
    os: open,
    topologySpreadConstraints: list(open),
  },
})

const podTemplate = object({ metadata, spec: podSpec })
const conditions = keyed(open, 'type')
const openKind = kindSchema({ spec: open, status: open })

const jobSpec = object({
  ...{
    parallelism: between(0),
    completions: between(0),
    activeDeadlineSeconds: between(0),
    backoffLimit: between(0),
    backoffLimitPerIndex: between(0),
  },
  ...{ maxFailedIndexes: between(0), ttlSecondsAfterFinished: between(0), completionMode: oneOf('NonIndexed', 'Indexed'), suspend: flag },
  ...{ manualSelector: flag, selector: labelSelector, template: podTemplate, podFailurePolicy: anything, successPolicy: anything },
  ...{ podReplacementPolicy: oneOf('TerminatingOrFailed', 'Failed'), managedBy: text },
})

const servicePort = object({
  name: text,
  protocol: text,
  appProtocol: text,
  port: between(1, 65_535),
  targetPort: anything,
  nodePort: between(0, 65_535),
})
const serviceSpec = object({
  ...{ type: oneOf('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'), ports: keyedPorts(servicePort, 'port') },
  selector: { type: 'map', values: text, atomic: true },
  ...{ clusterIP: text, clusterIPs: list(text), externalIPs: list(text), externalName: text, externalTrafficPolicy: oneOf('Cluster', 'Local') },
  ...{ internalTrafficPolicy: text, healthCheckNodePort: whole, ipFamilies: list(text), ipFamilyPolicy: text, publishNotReadyAddresses: flag },
  ...{ loadBalancerIP: text, loadBalancerClass: text, loadBalancerSourceRanges: list(text), allocateLoadBalancerNodePorts: flag },
  ...{ sessionAffinity: text, sessionAffinityConfig: open, trafficDistribution: text },
})

const leaseSpec = object({
  ...{ holderIdentity: text, leaseDurationSeconds: between(1), acquireTime: text, renewTime: text, leaseTransitions: between(0) },
  ...{ strategy: text, preferredHolder: text },
})

/** Schemas of the Kubernetes kinds this tool reads or writes (1.36); parts it never writes are taken as they come. */
export const kubernetesSchemas: Readonly<Record<string, Schema>> = {
  ConfigMap: kindSchema({ data: map(text), binaryData: map(text), immutable: flag }),
  Namespace: kindSchema({ spec: object({ finalizers: list(text) }), status: object({ phase: text, conditions }) }),
  Node: kindSchema({
    spec: object({
      podCIDR: text,
      podCIDRs: set(text),
      providerID: text,
      unschedulable: flag,
      taints: list(open),
      externalID: text,
      configSource: open,
    }),
    status: object({ conditions, addresses: keyed(open, 'type', 'address') }, { open: true }),
  }),
  Pod: kindSchema({
    spec: podSpec,
    status: object({ conditions, podIPs: keyed(open, 'ip'), containerStatuses: list(open) }, { open: true }),
  }),
  Service: kindSchema({ spec: serviceSpec, status: object({ conditions, loadBalancer: open }) }),
  Endpoints: kindSchema({ subsets: list(open) }),
  EndpointSlice: kindSchema({ addressType: text, endpoints: list(open), ports: list(open) }, { required: ['addressType', 'endpoints'] }),
  DaemonSet: kindSchema({
    spec: object({ selector: labelSelector, template: podTemplate, updateStrategy: open, minReadySeconds: whole, revisionHistoryLimit: whole }),
    status: open,
  }),
  Deployment: openKind,
  Job: kindSchema({ spec: jobSpec, status: object({ conditions: list(open), startTime: text }, { open: true }) }),
  Lease: kindSchema({ spec: leaseSpec }),
  ServiceCIDR: kindSchema({ spec: object({ cidrs: list(text) }), status: open }),
  ValidatingWebhookConfiguration: kindSchema({ webhooks: keyed(open, 'name') }),
  MutatingWebhookConfiguration: kindSchema({ webhooks: keyed(open, 'name') }),
  APIService: openKind,
  CustomResourceDefinition: openKind,
}
