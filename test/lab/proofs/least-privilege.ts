import type { KubeObject } from '../../../src/calico/object.ts'
import { type Right, type Role, rightsOf, roles } from '../../../src/calico/rights.ts'
import { type Asked, covers, inWords, withCreates } from '../../deploy/attributes.ts'
import { rbacObjects } from '../../deploy/manifest.ts'
import type { LabObject } from '../cluster/api.ts'
import { callsSeen, type SeenCall } from '../cluster/audit.ts'
import { makeLeaf, writeKubeconfig } from '../cluster/pki.ts'
import { calicoNamespace } from '../cluster/seed.ts'
import type { Lab } from '../lab.ts'
import { runTool, tail } from '../tool.ts'
import type { Page } from './page.ts'

/** Commands, as whom, and how each ends. */
const sitting: readonly { readonly roles: readonly Role[]; readonly args: readonly string[]; readonly exit: number }[] = [
  { roles: ['read'], args: ['status'], exit: 0 },
  { roles: ['read'], args: ['doctor'], exit: 1 },
  { roles: ['read'], args: ['plan', '-f', 'examples/home.yaml', '--accept-unseen', 'host-input-rules'], exit: 1 },
  { roles: ['operate'], args: ['init', '-f', 'examples/home.yaml', '--dry-run=server', '--accept-unseen', 'host-input-rules'], exit: 0 },
  { roles: ['operate', 'nodes'], args: ['init', '-f', 'examples/home.yaml', '--yes'], exit: 0 },
  { roles: ['read'], args: ['status'], exit: 0 },
  { roles: ['read'], args: ['history'], exit: 0 },
  { roles: ['read'], args: ['history', '1', '--bundle'], exit: 0 },
  { roles: ['recover'], args: ['open'], exit: 0 },
  { roles: ['recover'], args: ['status'], exit: 1 },
  { roles: ['operate', 'nodes'], args: ['init', '-f', 'examples/home.yaml', '--yes'], exit: 0 },
  { roles: ['operate', 'nodes'], args: ['add-vip', '192.168.218.174', '--port', '31110/tcp', '--from', '192.168.218.53/32', '--yes'], exit: 0 },
  { roles: ['operate', 'nodes'], args: ['rollback', '--yes'], exit: 0 },
  { roles: ['operate', 'nodes'], args: ['rollback', '--to', '0', '--yes'], exit: 0 },
]

/** Granted for what this sitting does not meet: see test/deploy/rbac.test.ts, and what is written beside them. */
const elsewhere: readonly (readonly [RegExp, string])[] = [
  [/^(create|delete) felixconfigurations/, 'FelixConfiguration default is there already'],
  [/^deletecollection hostendpoints/, 'the open set can be written'],
  [/(installations|datastoremigrations|bgppeers.metallb)/, 'the lab has no such API'],
  [/^get configmaps/, 'calico-node of the lab reads no ConfigMap'],
  [/^patch (networksets|configmaps)|^delete leases/, 'no webhook holds up the gate'],
  [/^get deployments/, 'no Typha'],
  [/^list blockaffinities/, 'no pool is disabled'],
  [/^(get clusterinformations|list bgp[a-z]+)\.crd/, 'Calico’s own API server is there'],
  [/^get tiers|tier\.globalnetworkpolicies/, 'Calico’s own servers ask for these, on the user’s behalf'],
  [/pods(\/log)? in|^(create|delete|get) pods/, 'exec works, so no short pod is needed'],
]

const groupOf = (role: Role): string => `calico-fw:${role}`
const userOf = (some: readonly Role[]): string => `lab-${some.join('-')}`

const asLab = (object: object): LabObject => object as KubeObject & LabObject

/** Runs every command with no right but its role's: nothing is forbidden on the way, and nothing is granted that nobody uses. */
export const proveLeastPrivilege = async (lab: Lab, page: Page): Promise<void> => {
  const vip = `https://${lab.layout.api.vip}:${lab.layout.api.vipPort}`
  for (const some of new Set(sitting.map(({ roles: of }) => of.join(' ')))) {
    const of = some.split(' ') as Role[]
    const subject = `${of.map((role) => `/O=${groupOf(role)}`).join('')}/CN=${userOf(of)}`
    await makeLeaf(lab.state, { name: userOf(of), subject })
    writeKubeconfig(lab.state, userOf(of), userOf(of), vip)
  }
  for (const object of rbacObjects()) await lab.api.apply(asLab(object))
  const began = Date.now()
  const used = new Map<string, SeenCall[]>()
  for (const { roles: of, args, exit } of sitting) {
    const from = Date.now()
    const end = await runTool(lab, args, { kubeconfig: userOf(of) })
    page.fact(
      `${of.join('+')}: ${args.join(' ')} exits ${exit}`,
      end.code === exit,
      `exit ${end.code}${end.code === exit ? '' : `\n${tail(end.lines, 20)}`}`,
    )
    const calls = callsSeen(lab.state, from).filter(({ user }) => user === userOf(of))
    const name = `${of.join('+')}: ${args[0]}`
    used.set(name, [...(used.get(name) ?? []), ...calls])
  }
  const all = callsSeen(lab.state, began).filter(({ user }) => user.startsWith('lab-'))
  const forbidden = [...new Set(all.filter(({ status }) => status === 403).map((call) => `${call.user}: ${inWords(call)}`))].sort()
  const isExpected = (line: string) => /^lab-(read|operate|recover): (get nodes\/proxy|(create|get) pods|create pods\/exec|get pods\/exec)/.test(line)
  page.fact(
    'nothing is forbidden but to look into nodes without that role',
    forbidden.every(isExpected),
    forbidden.filter((line) => !isExpected(line)).join('; ') || `${all.length} calls`,
  )
  const namespaces = { tool: 'calico-fw', calico: calicoNamespace }
  const asked = withCreates(all)
  const unused = roles.flatMap((role) =>
    rightsOf[role]
      .flatMap((right) => right.verbs.map((verb): Right => ({ ...right, verbs: [verb] })))
      .filter((right) => isServed(right, lab) && !asked.some((call) => covers(right, call, namespaces)))
      .map(
        ({ group, resource, verbs: [verb = ''], where, names }) =>
          `${inWords({ verb, group, resource, ...(where === 'cluster' ? {} : { namespace: namespaces[where] }) })}${names === undefined ? '' : ` ${names.join(' ')}`}`,
      ),
  )
  const surplus = [...new Set(unused)].filter((words) => !elsewhere.some(([pattern]) => pattern.test(words)))
  page.fact('every right is used, or it is written why not', surplus.length === 0, surplus.join('; '))
  page.fact('the namespace an administrator made is there, and empty', await isEmptied(lab))
  tellTable(page, used)
}

/** Rights on Calico's storage count where a server of Calico's stands before it. */
const isServed = ({ group, only }: Right, { variant }: Lab): boolean =>
  only === undefined ? group !== 'crd.projectcalico.org' || variant.flavour === 'aggregated' : only === variant.flavour

const isEmptied = async ({ api }: Lab): Promise<boolean> => {
  const namespace = 'calico-fw'
  const maps = await api.list({ apiVersion: 'v1', kind: 'ConfigMap', namespace }, '?labelSelector=app.kubernetes.io/managed-by')
  const lease = await api.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: 'calico-fw-lock' })
  return (await api.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace })) !== undefined && maps.length === 0 && lease === undefined
}

const tellTable = (page: Page, used: ReadonlyMap<string, readonly Asked[]>): void => {
  for (const [command, calls] of used) {
    page.say(`\n${command}`)
    const verbs = new Map<string, Set<string>>()
    for (const { group, resource, namespace, verb } of calls) {
      const what = `${resource}${group === '' ? '' : `.${group}`}${namespace === undefined ? '' : ` in ${namespace}`}`
      verbs.set(what, (verbs.get(what) ?? new Set<string>()).add(verb))
    }
    for (const [what, some] of [...verbs].sort(([one], [other]) => one.localeCompare(other)))
      page.say(`  ${what.padEnd(64)} ${[...some].sort().join(' ')}`)
  }
}

/** Takes the roles away again. */
export const withoutRoles = async ({ api }: Lab): Promise<void> => {
  for (const { apiVersion, kind, metadata } of rbacObjects().map(asLab).reverse()) await api.delete({ apiVersion, kind, ...metadata })
}
