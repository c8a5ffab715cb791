import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { parseFacts } from '../../src/discovery/facts-file.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { operatorSeen } from '../../src/firewall/facts/operator-path.ts'
import { addressesOf } from '../../src/firewall/objects/network-sets.ts'
import { needsOf } from '../../src/firewall/plan/needs.ts'
import { covers, parseCidr } from '../../src/net/cidr.ts'
import { defaultAnswers, questionsFor } from '../../src/ui/questions.ts'
import { toolWrites } from './cluster/audit.ts'
import { controlPlaneNodes } from './cluster/control-plane.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { runTool, type ToolEnd, tail } from './tool.ts'

/** Whether all of these are there, by name where they are not. */
const holds = (what: string, found: readonly string[], wanted: readonly (string | undefined)[]): void => {
  const missing = wanted.filter((one) => one !== undefined && !found.includes(one))
  assert.deepEqual(missing, [], `${what}: ${missing.join(', ')} not among ${found.join(', ')}`)
}

const factsOf = async (lab: Lab): Promise<Facts> => {
  const [node] = lab.layout.nodes
  const file = lab.state.at('facts.json')
  const end = await runTool(lab, ['explain', '192.168.218.170', `${node?.address}:22/tcp`, '--save-facts', file])
  assert.equal(end.code, 0, tail(end.lines, 20))
  return parseFacts(readFileSync(file, 'utf8'))
}

/** The facts against the lab's own topology: who is where, and every address and port something lives on. */
const compare = (facts: Facts, { layout, variant }: Lab): void => {
  const apis = controlPlaneNodes(layout).map(({ address }) => `${address}:${layout.api.port}`)
  holds(
    'API endpoints',
    facts.apiEndpoints.map(({ address, port }) => `${address}:${port}`),
    [...apis, `${layout.api.vip}:${layout.api.vipPort}`],
  )
  for (const host of layout.nodes) {
    const node = facts.nodes.find(({ name }) => name === host.fqdn)
    assert.ok(node !== undefined, `no node ${host.fqdn}`)
    const own = addressesOf(node)
    holds(`addresses of ${host.name}`, own, [host.address, host.address6, host.second?.address])
    assert.ok(![layout.api.vip, layout.loadBalancer].some((vip) => own.some((address) => address === vip)), `a VIP counts as ${host.name}'s own`)
    holds(
      `interfaces of ${host.name}`,
      node.interfaces.map(({ name }) => name),
      [host.nic, host.second?.nic],
    )
    assert.equal(node.inspected?.nodeInterface, host.nic)
    assert.equal(node.controlPlane, host.controlPlane)
    assert.deepEqual(node.inspected?.hostInput, [])
    assert.ok(node.interfaces.every(({ at }) => at !== undefined && Date.now() - Date.parse(at) < 120_000))
  }
  const networks = (cidrs: Facts['podCidrs'], wanted: readonly (string | undefined)[]) =>
    wanted.every((one) => one === undefined || cidrs.some((cidr) => covers(cidr, parseCidr(one))))
  assert.ok(networks(facts.podCidrs, [layout.podCidr, layout.podCidr6]), `pod networks ${facts.podCidrs.join(', ')}`)
  assert.ok(networks(facts.serviceCidrs, [layout.serviceCidr, layout.serviceCidr6]), `Service networks ${facts.serviceCidrs.join(', ')}`)
  assert.equal(facts.kubeProxy.mode, variant.proxy)
  const operator = layout.neighbours.find(({ name }) => name === 'adm')
  const ours = [operator?.address, operator?.address6].filter((one) => one !== undefined)
  assert.deepEqual(facts.operatorAddresses, ours)
  assert.equal(operatorSeen(facts), 'seen')
  assert.deepEqual(facts.unseen, [])

  const told = new Map(needsOf(facts).map(({ what, where }) => [what, where]))
  const { cluster, local, http, https } = layout.nodePorts
  holds('balancer VIPs', told.get('balancer VIPs') ?? [], [`${layout.loadBalancer}:80/tcp`, `${layout.loadBalancer}:443/tcp`])
  holds(
    'NodePorts',
    told.get('NodePorts') ?? [],
    [cluster, local, http, https].map((port) => `${port}/tcp`),
  )
  holds('kubelets', told.get('kubelets') ?? [], ['10250/tcp of every node'])
  assert.ok(
    (told.get('floating VIPs') ?? []).some((text) => text.startsWith(layout.api.vip)),
    'the API VIP is seen to float',
  )
  if (variant.typha === true) assert.ok((told.get('Typha') ?? []).length > 0, 'Typha is told')
}

/** What `init --yes` would answer, question by question. */
const compareAnswers = (facts: Facts, { layout }: Lab): string => {
  const questions = questionsFor(facts)
  const answers = new Map(questions.map((question) => [question.id, defaultAnswers(question)]))
  // The last one is the word that begins it.
  assert.ok(questions.length + 1 <= 7, questions.map(({ message }) => message).join('\n'))
  assert.deepEqual(answers.get('interfaces')?.toSorted(), [...new Set(layout.nodes.map(({ nic }) => nic))].toSorted())
  assert.deepEqual(answers.get('trust'), [])
  const vips = [`${layout.loadBalancer}:80/tcp,443/tcp`, `${layout.api.vip}:${layout.api.vipPort}/tcp`]
  assert.deepEqual(answers.get('vips')?.toSorted(), vips.toSorted())
  assert.deepEqual(
    answers.get('failsafes'),
    [layout.api.vipPort, layout.api.port].filter((port) => port !== 6443).map((port) => `${port}/tcp`),
  )
  return `${questions.length + 1} questions`
}

const compareDoctor = async (lab: Lab): Promise<void> => {
  const end = await runTool(lab, ['doctor', '-o', 'json'])
  const document = JSON.parse(
    end.lines
      .filter(({ stream }) => stream === 'stdout')
      .map(({ text }) => text)
      .join('\n'),
  ) as { readonly checks: readonly { readonly id: string; readonly outcome: string; readonly findings: readonly unknown[] }[] }
  const alarms = document.checks.filter(({ outcome }) => outcome !== 'ok')
  // An API port that is no failsafe is no false alarm, nor are two machineries of the kernel side by side.
  const { shape, felix, proxy } = lab.variant
  const expected = [...(shape === 'odd-port' ? ['FW-D304'] : []), ...(felix === 'legacy' && proxy === 'nftables' ? ['FW-D704'] : [])]
  assert.deepEqual(
    alarms.map(({ id }) => id),
    expected,
    JSON.stringify(alarms, null, 1),
  )
  assert.equal(end.code, expected.length === 0 ? 0 : 1)
}

const rbac = 'rbac.authorization.k8s.io/v1'
const everything = { apiGroups: ['*'], resources: ['*'] }

/** Users of few rights: one reads, the other may also start pods; neither may exec. */
const users = {
  reader: [
    { ...everything, verbs: ['get', 'list'] },
    { nonResourceURLs: ['*'], verbs: ['get'] },
  ],
  starter: [
    { ...everything, verbs: ['get', 'list'] },
    { nonResourceURLs: ['*'], verbs: ['get'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['create', 'delete'] },
  ],
} as const

const asUsers = async (lab: Lab, work: () => Promise<void>): Promise<void> => {
  const objects = Object.entries(users).flatMap(([name, rules]) => [
    { apiVersion: rbac, kind: 'ClusterRole', metadata: { name: `lab-${name}` }, rules },
    {
      apiVersion: rbac,
      kind: 'ClusterRoleBinding',
      metadata: { name: `lab-${name}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `lab-${name}` },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
    },
  ])
  for (const object of objects) await lab.api.apply(object)
  try {
    await work()
  } finally {
    for (const { apiVersion, kind, metadata } of objects) await lab.api.delete({ apiVersion, kind, name: metadata.name })
  }
}

const says = (end: ToolEnd, pattern: RegExp): void => {
  const text = end.lines.map((line) => line.text.trim()).join(' ')
  assert.match(text, pattern, tail(end.lines, 12))
}

const yes = ['--yes', '--node-ports', 'close'] as const

export const tests: readonly LabTest[] = [
  {
    name: 'the facts are the lab’s own topology; init asks at most seven questions and picks right; doctor raises no alarm',
    needs: ['felix', 'kubelet'],
    shapes: ['home', 'ha', 'two-nic', 'dual', 'odd-port'],
    cells: ['-native', '-aggregated'],
    run: async (lab, tell) => {
      const began = performance.now()
      const facts = await factsOf(lab)
      tell(`facts of ${facts.nodes.length} nodes: ${((performance.now() - began) / 1000).toFixed(1)} s; ${needsOf(facts).length} kinds of life lines`)
      compare(facts, lab)
      tell(compareAnswers(facts, lab))
      await compareDoctor(lab)
    },
  },
  {
    name: 'few rights: what cannot be seen is said and counts as unsafe; short pods look where exec is forbidden, and are gone',
    needs: ['felix', 'kubelet'],
    cells: ['iptables-legacy-native', 'nftables-native-native'],
    run: async (lab, tell) => {
      await asUsers(lab, async () => {
        const wrong = ['init', '--interface', 'ens169', ...yes]
        const began = Date.now()
        // To read is enough for doctor, and for a plan whose unseen is accepted by name.
        const doctor = await runTool(lab, ['doctor', '--as', 'reader'])
        assert.equal(doctor.code, 1, tail(doctor.lines, 12))
        says(doctor, /INPUT rules of .* the right to create pods\/exec is missing/)
        const refused = await runTool(lab, ['init', ...yes, '--dry-run=client', '--as', 'reader'])
        assert.equal(refused.code, 3, tail(refused.lines, 12))
        says(refused, /not seen, so not safe: INPUT rules of .*--accept-unseen host-input-rules/)
        const accepted = await runTool(lab, ['init', ...yes, '--dry-run=client', '--as', 'reader', '--accept-unseen', 'host-input-rules'])
        assert.equal(accepted.code, 0, tail(accepted.lines, 12))
        const neither = await runTool(lab, [...wrong.slice(0, 1), ...yes, '--as', 'reader'])
        says(neither, /the rights to create pods\/exec and pods are missing/)
        assert.deepEqual(
          toolWrites(lab.state, began).filter(({ status }) => status < 400 && status >= 200),
          [],
        )

        const pods = await runTool(lab, [...wrong, '--as', 'starter'])
        assert.equal(pods.code, 2, tail(pods.lines, 12))
        says(pods, /node control1\.kryukov\.local has no interface "ens169".*it has ens160/)
        tell(`a look by ${lab.layout.nodes.length} short pods and the refusal: ${((pods.ended - pods.began) / 1000).toFixed(1)} s`)
        const done = toolWrites(lab.state, began).filter(({ resource, status }) => resource === 'pods' && status < 400)
        for (const verb of ['create', 'delete']) assert.equal(done.filter((one) => one.verb === verb).length, lab.layout.nodes.length, verb)
        const left = (await lab.api.list({ apiVersion: 'v1', kind: 'Pod' })).filter(({ metadata }) => metadata.name.startsWith('calico-fw-look-'))
        assert.deepEqual(left, [])
      })
    },
  },
]
