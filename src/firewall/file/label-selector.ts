import type { LabelSelector } from './host-firewall.ts'

/** Whether labels match a Kubernetes LabelSelector; `NotIn` also matches where the key is absent, as in Kubernetes. */
export const matchesLabels = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, operator, values = [] }) => answers[operator](labels[key], values))

const answers: Readonly<Record<Expression['operator'], (value: string | undefined, values: readonly string[]) => boolean>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
}

type Expression = NonNullable<LabelSelector['matchExpressions']>[number]
