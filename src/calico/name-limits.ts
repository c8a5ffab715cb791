import type { Metadata } from './object.ts'
import { type Problem, problem } from './problem.ts'

/** One DNS label (RFC 1123) of at most 63 characters. */
export const isDnsLabel = (name: string): boolean => name.length <= 63 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name)

/** A DNS subdomain (RFC 1123) of at most 253 characters. */
export const isDnsSubdomain = (name: string): boolean =>
  name.length <= 253 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name)

/** A label key: an optional DNS prefix, then a name of at most 63 characters. */
export const isLabelKey = (key: string): boolean => {
  const [name = '', prefix, ...rest] = key.split('/').reverse()
  return rest.length === 0 && name !== '' && isLabelValue(name) && (prefix === undefined || isDnsSubdomain(prefix))
}

/** A label value: empty, or at most 63 characters that begin and end with a letter or digit. */
export const isLabelValue = (value: string): boolean => value.length <= 63 && /^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$/.test(value)

/** Kubernetes' limit on the annotations of one object together. */
const annotationLimit = 256 * 1024

/** Labels of Calico's own: it finds, renames and deletes objects by them. */
const reserved: Readonly<Record<string, string>> = {
  'projectcalico.org/namespace': "is set by Calico itself, from the object's real namespace",
  'projectcalico.org/created-by': 'makes kube-controllers delete the object when automatic HostEndpoints are off',
}

/** Problems of labels and annotations. */
export const metadataProblems = ({ labels = {}, annotations = {} }: Metadata): Problem[] => [
  ...Object.entries(labels).flatMap(([key, value]) => [
    ...problem(!isLabelKey(key), `metadata.labels["${key}"]`, 'is no label key'),
    ...problem(!isLabelValue(value), `metadata.labels["${key}"]`, `is "${value}", no label value`),
    ...problem(reserved[key] !== undefined, `metadata.labels["${key}"]`, reserved[key] ?? ''),
  ]),
  ...problem(
    Object.entries(annotations).reduce((sum, [key, value]) => sum + key.length + value.length, 0) > annotationLimit,
    'metadata.annotations',
    'are larger than 256 KiB together',
  ),
]

/** Why an interface can not stand in a HostEndpoint of ours, in words that continue its name; undefined when it can. */
export const interfaceProblem = (name: string): string | undefined => {
  if (name === '*') return 'is a wildcard, which also polices loopback, tunnels and packets that come from pods'
  if (name === 'lo') return 'is loopback, where nothing from outside arrives'
  if (name === 'kube-ipvs0') return 'is an interface Felix ignores (interfaceExclude)'
  if (name.startsWith('cali')) return "is a pod's interface, where Felix never puts a HostEndpoint"
  return /^[a-zA-Z0-9_.-]{1,15}$/.test(name) ? undefined : 'is no interface name: letters, digits, _, . and -, at most 15 of them'
}
