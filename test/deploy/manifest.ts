import { Document, isScalar, visit } from 'yaml'
import { fieldManager, keys, ownLabels, toolNamespace } from '../../src/calico/names.ts'
import { type Right, type Role, rightsOf, roles, type Where } from '../../src/calico/rights.ts'

/** Where calico-node lives unless told; the file says what to change elsewhere. */
const calicoNamespace = 'calico-system'

const opening = `# Who may do what with kubectl calico-fw. Apply it, then put people into the groups, or edit the subjects.
#
#   calico-fw:read     status, history, plan, explain, doctor, export, render
#   calico-fw:recover  that, and open: opens the cluster, can close nothing
#   calico-fw:operate  that, and init, apply, sync, adopt, add-vip, confirm, rollback
#   calico-fw:nodes    beside one of them: audit; look into nodes and probe from them. pods/exec in calico-node and nodes/proxy are root on every node;
#                      without this role init asks for --accept-unseen host-input-rules, and the probes from nodes are not asked
#
# Where calico-node runs elsewhere than in ${calicoNamespace}, change that namespace. Nobody here may read Secrets.
# The annotation ${keys.keep} keeps the namespace, and the roles in it, through "rollback --to 0".
# Made from src/calico/rights.ts, and held to it by test/deploy/rbac.test.ts.
`

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

/** Rights that differ only in their resource become one rule. */
const rulesOf = (rights: readonly Right[]): Rule[] => {
  const rules = new Map<string, Rule>()
  for (const { group, resource, verbs, names } of rights) {
    const key = JSON.stringify([group, verbs, names])
    const resources = [...(rules.get(key)?.resources ?? []), resource]
    rules.set(key, { apiGroups: [group], resources, ...(names === undefined ? {} : { resourceNames: names }), verbs })
  }
  return [...rules.values()]
}

/** The objects that grant one role to its group. */
const objectsOf = (role: Role): object[] => {
  const grant = (kind: 'ClusterRole' | 'Role', where: Where, namespace?: string): object[] => {
    const rights = rightsOf[role].filter((right) => right.where === where)
    if (rights.length === 0) return []
    const metadata = { name: `${fieldManager}-${role}`, ...(namespace === undefined ? {} : { namespace }) }
    const group = 'rbac.authorization.k8s.io'
    return [
      { apiVersion: `${group}/v1`, kind, metadata, rules: rulesOf(rights) },
      {
        apiVersion: `${group}/v1`,
        kind: `${kind}Binding`,
        metadata,
        roleRef: { apiGroup: group, kind, name: metadata.name },
        subjects: [{ apiGroup: group, kind: 'Group', name: `${fieldManager}:${role}` }],
      },
    ]
  }
  return [...grant('ClusterRole', 'cluster'), ...grant('Role', 'tool', toolNamespace), ...grant('Role', 'calico', calicoNamespace)]
}

/** Every object of deploy/rbac.yaml. */
export const rbacObjects = (): object[] => [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: toolNamespace, labels: ownLabels(), annotations: { [keys.keep]: 'true' } } },
  ...roles.flatMap(objectsOf),
]

/** Lists of words stand on one line. */
const textOf = (object: object): string => {
  const document = new Document(object)
  visit(document, {
    Seq: (_, list) => {
      if (list.items.every(isScalar)) list.flow = true
    },
  })
  return document.toString({ lineWidth: 0, flowCollectionPadding: false })
}

/** The text of deploy/rbac.yaml. */
export const rbacFile = (): string =>
  `${opening}${rbacObjects()
    .map((object) => `---\n${textOf(object)}`)
    .join('')}`
