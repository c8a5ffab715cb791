import type { KubeObject } from '../../calico/object.ts'
import type { KindRules } from '../api/kind.ts'
import type { Cause } from '../api/status.ts'
import { at, type Fields, fieldsOf, listOf, sameJson, textAt } from '../json.ts'

const podDefaults = { dnsPolicy: 'ClusterFirst', schedulerName: 'default-scheduler', securityContext: {}, terminationGracePeriodSeconds: 30 }
const containerDefaults = {
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'Always',
}

/** A pod spec with the defaults every pod gets. */
const withPodDefaults = (spec: Fields): Fields => ({
  ...podDefaults,
  ...spec,
  ...(spec['containers'] === undefined
    ? {}
    : { containers: listOf(spec['containers']).map((container) => ({ ...containerDefaults, ...fieldsOf(container) })) }),
})

const withSpec = (object: KubeObject, spec: Fields): KubeObject => ({ ...object, spec })

/** Defaults of pkg/apis/batch/v1 `SetDefaults_Job`. */
const defaults = (job: KubeObject): KubeObject => {
  const spec = fieldsOf(job['spec'])
  const template = fieldsOf(spec['template'])
  const alone = spec['completions'] === undefined && spec['parallelism'] === undefined ? { completions: 1 } : {}
  return withSpec(job, {
    ...{
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: 'TerminatingOrFailed',
    },
    ...alone,
    ...spec,
    template: { ...template, spec: withPodDefaults(fieldsOf(template['spec'])) },
  })
}

/** A new Job's pods are selected by the Job's uid; the Job carries the same labels. */
const prepare = (job: KubeObject, live: KubeObject | undefined): KubeObject => {
  const { uid = '', name } = job.metadata
  if (live !== undefined || at(job, 'spec', 'manualSelector') === true) return job
  const labels = {
    ...{ 'batch.kubernetes.io/controller-uid': uid, 'batch.kubernetes.io/job-name': name, 'controller-uid': uid, 'job-name': name },
  }
  const spec = fieldsOf(job['spec'])
  const template = fieldsOf(spec['template'])
  const metadata = fieldsOf(template['metadata'])
  return {
    ...job,
    metadata: { ...job.metadata, labels: { ...job.metadata.labels, ...labels } },
    spec: {
      ...spec,
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
      template: { ...template, metadata: { ...metadata, labels: { ...fieldsOf(metadata['labels']), ...labels } } },
    },
    status: fieldsOf(job['status']),
  }
}

/** Fields of a Job's spec nobody may change (pkg/apis/batch/validation `ValidateJobSpecUpdate`); the deadline is not among them. */
const immutable = ['completions', 'selector', 'template', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy']

const check = (job: KubeObject, live: KubeObject | undefined): readonly Cause[] => {
  const template = at(job, 'spec', 'template', 'spec')
  const restart = textAt(template, 'restartPolicy')
  const required = (field: string, message: string): Cause => ({ reason: 'FieldValueRequired', message, field: `spec.template.spec.${field}` })
  const resuming = at(live, 'spec', 'suspend') === true && at(live, 'status', 'startTime') === undefined
  const frozen = immutable.filter((field) => field !== 'template' || !resuming)
  return [
    ...(listOf(at(template, 'containers')).length === 0 ? [required('containers', 'Required value')] : []),
    ...(restart === 'OnFailure' || restart === 'Never' ? [] : [required('restartPolicy', 'Required value: valid values: "OnFailure", "Never"')]),
    ...(live === undefined ? [] : frozen)
      .filter((field) => !sameJson(at(job, 'spec', field), at(live, 'spec', field)))
      .map((field) => ({
        reason: 'FieldValueInvalid',
        message: `Invalid value: ${JSON.stringify(at(job, 'spec', field) ?? null)}: field is immutable`,
        field: `spec.${field}`,
      })),
  ]
}

/** Jobs: defaults, generated selector, immutable fields. */
export const jobRules: KindRules = { defaults, prepare, check }
