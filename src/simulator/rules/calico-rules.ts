import { failsafeFields } from '../../calico/failsafes.ts'
import type { KubeObject } from '../../calico/object.ts'
import type { KindRules } from '../api/kind.ts'
import type { Cause } from '../api/status.ts'
import { at, fieldsOf, listOf, textAt, withField } from '../json.ts'

const cause = (reason: string, message: string, field = 'spec'): Cause => ({
  reason,
  message: `${reason === 'FieldValueForbidden' ? 'Forbidden' : 'Invalid value'}: ${message}`,
  field,
})

/** The CEL rules of the HostEndpoint CRD (v3.32). */
const checkHostEndpoint = (object: KubeObject): Cause[] => {
  const named = (textAt(object, 'spec', 'interfaceName') ?? '') !== '' || listOf(at(object, 'spec', 'expectedIPs')).length > 0
  const nodeless = (textAt(object, 'spec', 'node') ?? '') === ''
  return [
    ...(named ? [] : [cause('FieldValueInvalid', 'at least one of interfaceName or expectedIPs must be specified')]),
    ...(nodeless ? [cause('FieldValueInvalid', 'node must be specified')] : []),
  ]
}

/** The CEL rules of the GlobalNetworkPolicy CRD (v3.32). */
const checkGlobalPolicy = (object: KubeObject): Cause[] => {
  const spec = fieldsOf(object['spec'])
  const preDNAT = spec['preDNAT'] === true
  const untracked = spec['doNotTrack'] === true
  const found: (Cause | false)[] = [
    preDNAT && untracked && cause('FieldValueForbidden', 'preDNAT and doNotTrack cannot both be true'),
    preDNAT && listOf(spec['egress']).length > 0 && cause('FieldValueForbidden', 'preDNAT policy cannot have any egress rules'),
    preDNAT && listOf(spec['types']).includes('Egress') && cause('FieldValueForbidden', "preDNAT policy cannot have 'Egress' type"),
    (preDNAT || untracked) &&
      spec['applyOnForward'] !== true &&
      cause('FieldValueInvalid', 'applyOnForward must be true if either preDNAT or doNotTrack is true'),
  ]
  return found.filter((one) => one !== false)
}

/** Types follow from the rules where they are not written (Calico's mutating policy, and its API server's defaulting). */
const withTypes = (object: KubeObject): KubeObject => {
  const spec = fieldsOf(object['spec'])
  if (listOf(spec['types']).length > 0) return object
  const egress = listOf(spec['egress']).length > 0
  const ingress = listOf(spec['ingress']).length > 0 || !egress
  return { ...object, spec: { ...spec, types: [...(ingress ? ['Ingress'] : []), ...(egress ? ['Egress'] : [])] } }
}

const withTierLabel = (object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, labels: { ...object.metadata.labels, 'projectcalico.org/tier': textAt(object, 'spec', 'tier') ?? 'default' } },
})

const defaulted =
  (path: readonly string[], value: unknown) =>
  (object: KubeObject): KubeObject =>
    at(object, ...path) === undefined ? (withField(object, path, value) as KubeObject) : object

const builtInTiers = ['default', 'kube-admin', 'kube-baseline']

/**
 * What only Calico's own API server checks: on native CRDs a failsafe without protocol is stored, and takes every Felix down
 * (libcalico-go/lib/validator/v3 `validateProtoPort`). Both take SCTP, which Felix cannot read either.
 */
const checkFailsafes = (object: KubeObject): Cause[] =>
  Object.values(failsafeFields).flatMap((list) =>
    listOf(at(object, 'spec', list)).flatMap((entry, index) => {
      const protocol = textAt(entry, 'protocol')
      if (protocol !== undefined && ['TCP', 'UDP', 'SCTP'].includes(protocol)) return []
      const message = `Invalid value: ${JSON.stringify(protocol ?? '')}: protocol must be one of TCP, UDP, SCTP`
      return [{ reason: 'FieldValueInvalid', message, field: `spec.${list}[${index}].protocol` }]
    }),
  )

const tier = defaulted(['spec', 'tier'], 'default')
const policies: KindRules = { defaults: tier, prepare: (object) => withTierLabel(withTypes(object)) }

/** Rules of the kinds under `projectcalico.org/v3`, as native CRDs. */
export const nativeRules: Readonly<Record<string, KindRules>> = {
  HostEndpoint: { check: checkHostEndpoint },
  GlobalNetworkPolicy: { ...policies, check: checkGlobalPolicy },
  NetworkPolicy: policies,
  FelixConfiguration: { defaults: defaulted(['spec', 'nftablesMode'], 'Auto') },
  Tier: { defaults: defaulted(['spec', 'defaultAction'], 'Deny') },
  IPPool: { defaults: defaulted(['spec', 'assignmentMode'], 'Automatic') },
}

/** Rules of the same kinds behind Calico's API server. */
export const aggregatedRules: Readonly<Record<string, KindRules>> = {
  ...nativeRules,
  FelixConfiguration: { check: checkFailsafes },
}

/** Tiers nobody may delete. */
export const isBuiltInTier = (object: KubeObject): boolean => object.kind === 'Tier' && builtInTiers.includes(object.metadata.name)
