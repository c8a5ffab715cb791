import * as v from 'valibot'

// null and absent are the zero value, as Go's JSON decoder reads them; a number where text belongs is an error there and here.
const text = v.nullish(v.string(), '')
const texts = v.nullish(v.array(v.string()), [])
// kubectl reads YAML 1.1, which knows more words for true and false than YAML 1.2.
const flag = v.pipe(
  v.nullish(v.union([v.boolean(), v.pipe(v.string(), v.regex(/^(y|yes|on|n|no|off)$/i))]), false),
  v.transform((value) => value === true || /^(y|yes|on)$/i.test(String(value))),
)
const base64 = v.pipe(
  v.nullish(v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/\s]*={0,2}\s*$/, 'it is not base64')), ''),
  v.transform((value) => (value.trim() === '' ? undefined : Buffer.from(value, 'base64'))),
)

const cluster = v.object({
  server: text,
  'tls-server-name': text,
  'insecure-skip-tls-verify': flag,
  'certificate-authority': text,
  'certificate-authority-data': base64,
  'proxy-url': text,
  'disable-compression': flag,
  extensions: v.nullish(v.array(v.object({ name: text, extension: v.unknown() })), []),
})

const execConfig = v.object({
  command: text,
  args: texts,
  env: v.nullish(v.array(v.object({ name: text, value: text })), []),
  apiVersion: text,
  installHint: text,
  provideClusterInfo: flag,
  interactiveMode: text,
})

const user = v.object({
  'client-certificate': text,
  'client-certificate-data': base64,
  'client-key': text,
  'client-key-data': base64,
  token: text,
  tokenFile: text,
  as: text,
  'as-uid': text,
  'as-groups': texts,
  'as-user-extra': v.nullish(v.record(v.string(), texts), {}),
  username: text,
  password: text,
  'auth-provider': v.nullish(v.object({ name: text, config: v.nullish(v.record(v.string(), text), {}) })),
  exec: v.nullish(execConfig),
})

const context = v.object({ cluster: text, user: text, namespace: text })

/** What a kubeconfig may hold (client-go tools/clientcmd/api/v1/types.go); unknown fields are ignored, as kubectl ignores them. */
export const kubeconfigSchema = v.object({
  apiVersion: text,
  kind: text,
  'current-context': text,
  clusters: v.nullish(v.array(v.object({ name: text, cluster: v.nullish(cluster, {}) })), []),
  users: v.nullish(v.array(v.object({ name: text, user: v.nullish(user, {}) })), []),
  contexts: v.nullish(v.array(v.object({ name: text, context: v.nullish(context, {}) })), []),
})

/** A cluster of a kubeconfig. */
export type ClusterEntry = v.InferOutput<typeof cluster>
/** A user of a kubeconfig. */
export type UserEntry = v.InferOutput<typeof user>
/** How to run a credential plugin. */
export type ExecConfig = v.InferOutput<typeof execConfig>
/** A context of a kubeconfig. */
export type ContextEntry = v.InferOutput<typeof context>

/** The cluster a kubeconfig names without describing it. */
export const emptyCluster: ClusterEntry = v.parse(cluster, {})
/** The user who is nobody: requests without credentials. */
export const emptyUser: UserEntry = v.parse(user, {})
