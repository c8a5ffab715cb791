import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import { certificates } from '../../src/simulator/certificates.ts'
import { defaultRules } from '../fixtures/tutorial.ts'
import { openStage, type Stage } from './stage.ts'

const home = readFileSync(join(import.meta.dirname, '../../examples/home.yaml'), 'utf8')
const enough = ['--yes', '--node-ports', 'close']

interface Bad {
  readonly title: string
  readonly argv: readonly string[]
  readonly code: number
  /** Must stand on stderr. */
  readonly says: RegExp
  readonly files?: Readonly<Record<string, string>>
  /** Changes the cluster before, and gives back how to take that back. */
  readonly scene?: (stage: Stage) => () => void
  /** Set where the lock was taken, and given back, before the refusal. */
  readonly locks?: true
}

const planted = (object: KubeObject) => (stage: Stage) => {
  stage.simulator.objects.create(object)
  const { namespace, name } = object.metadata
  return () => {
    stage.simulator.objects.delete({ apiVersion: object.apiVersion, kind: object.kind, name, ...(namespace === undefined ? {} : { namespace }) })
  }
}

const flags: Bad[] = [
  { title: 'unknown command', argv: ['inti'], code: 2, says: /unknown command 'inti'[\s\S]*did you mean init\?/ },
  { title: 'unknown flag', argv: ['init', '--vpi', 'x'], code: 2, says: /unknown option '--vpi'[\s\S]*did you mean --vip\?/ },
  { title: 'flag without its value', argv: ['rollback', '--to'], code: 2, says: /--to <N>/ },
  { title: 'no port for add-vip', argv: ['add-vip', '192.168.218.180'], code: 2, says: /--port[\s\S]*add-vip IP --port 443\/tcp/ },
  { title: 'bad window', argv: ['init', '--window', '5h'], code: 2, says: /--window "5h"/ },
  { title: 'bad window before a bad kubeconfig', argv: ['init', '--window', '5h', '--kubeconfig', '/nowhere'], code: 2, says: /--window "5h"/ },
  { title: 'bad change number', argv: ['rollback', '--to', '-1'], code: 2, says: /--to "-1" is not the number of a change/ },
  { title: 'a bundle of no change', argv: ['history', '--bundle'], code: 2, says: /--bundle is of one change[\s\S]*history CHANGE --bundle/ },
  { title: 'redacting no bundle', argv: ['history', '3', '--redact'], code: 2, says: /--redact is for a bundle/ },
  { title: 'bad change number before a bad kubeconfig', argv: ['history', 'x', '--kubeconfig', '/nowhere'], code: 2, says: /CHANGE "x"/ },
  { title: 'no file before a bad kubeconfig', argv: ['apply', '-f', '/none.yaml', '--kubeconfig', '/nowhere'], code: 2, says: /no such file/ },
  { title: 'no connection before a bad kubeconfig', argv: ['explain', 'a', 'b', '--kubeconfig', '/nowhere'], code: 2, says: /"b" is not a dest/ },
  { title: 'no length of time', argv: ['status', '--request-timeout', '5x', '--kubeconfig', '/nowhere'], code: 2, says: /--request-timeout "5x"/ },
  { title: 'no verbosity', argv: ['status', '-v', 'x'], code: 2, says: /-v "x" is not a number/ },
  { title: 'a change that is no flag', argv: ['rollback', '3'], code: 2, says: /fix: write the change as a flag: kubectl calico-fw rollback --to N/ },
  {
    title: 'an empty file to explain with',
    argv: ['explain', 'ws1', 'ws2:22/tcp', '-f', '/empty.yaml'],
    files: { '/empty.yaml': '' },
    code: 2,
    says: /it is empty/,
  },
  {
    title: 'facts that are none',
    argv: ['explain', 'ws1', 'ws2:22/tcp', '--facts', '/package.json'],
    files: { '/package.json': '{}' },
    code: 2,
    says: /package\.json holds no facts[\s\S]*--save-facts/,
  },
  { title: 'no facts', argv: ['explain', 'ws1', 'ws2:22/tcp', '--facts', '/none.json'], code: 2, says: /no such file[\s\S]*--facts FILE/ },
  { title: 'bad output format', argv: ['status', '-o', 'xml'], code: 2, says: /-o "xml"/ },
  { title: 'file and flags', argv: ['init', '-f', 'home.yaml', '--trust', '10.0.0.0/8'], code: 2, says: /-f and --trust contradict/ },
  { title: 'no such file', argv: ['init', '-f', 'nowhere.yaml'], code: 2, says: /nowhere\.yaml cannot be read/ },
  {
    title: 'file with unknown keys',
    argv: ['init', '-f', '/fw.yaml', '--yes'],
    files: { '/fw.yaml': home.replace('trustedNets', 'trustedNetworks') },
    code: 2,
    says: /fw\.yaml:9: spec\.trustedNetworks/,
  },
  {
    title: 'file with an SCTP failsafe',
    argv: ['init', '-f', '/fw.yaml', '--yes'],
    files: { '/fw.yaml': home.replace('[{protocol: TCP, port: 7443}]', '[{protocol: SCTP, port: 7443}]') },
    code: 2,
    says: /SCTP[\s\S]*stops programming on every node/,
  },
  {
    title: 'file with a narrowed failsafe',
    argv: ['init', '-f', '/fw.yaml', '--yes'],
    files: { '/fw.yaml': home.replace('port: 7443}', 'port: 7443, net: 10.0.0.0/8}') },
    code: 2,
    says: /failsafes only ever add/,
  },
]

const values: Bad[] = [
  {
    title: 'unknown node',
    argv: ['init', ...enough, '--interface', 'ws9.kryukov.local=ens160'],
    code: 2,
    says: /there is no node "ws9\.kryukov\.local"/,
  },
  { title: 'unknown interface', argv: ['init', ...enough, '--interface', 'eth7'], code: 2, says: /has no interface "eth7"[\s\S]*ens160/ },
  {
    title: 'bad CIDR',
    argv: ['init', ...enough, '--trust', '10.233.0.1/16'],
    code: 2,
    says: /"10\.233\.0\.1\/16" has host bits set[\s\S]*write 10\.233\.0\.0\/16/,
  },
  { title: 'octal address', argv: ['init', ...enough, '--vip', '010.0.0.1:80/tcp'], code: 2, says: /"010\.0\.0\.1" is not an IP address/ },
  { title: 'bad port', argv: ['init', ...enough, '--open', '70000/tcp'], code: 2, says: /"70000" is not a port between/ },
  { title: 'bad protocol', argv: ['init', ...enough, '--open', '80/http'], code: 2, says: /"80\/http" is not a port[\s\S]*tcp, udp and sctp/ },
  { title: 'port without protocol', argv: ['init', ...enough, '--open', '80'], code: 2, says: /--open: "80" names no protocol[\s\S]*write 80\/tcp/ },
  { title: 'SCTP failsafe', argv: ['init', ...enough, '--failsafe', '7443/sctp'], code: 2, says: /7443\/sctp cannot be a failsafe/ },
  {
    title: 'failsafe with a CIDR',
    argv: ['init', ...enough, '--failsafe', '7443/tcp@10.0.0.0/8'],
    code: 2,
    says: /a failsafe is open to everyone[\s\S]*--open/,
  },
  { title: 'whole world trusted', argv: ['init', ...enough, '--trust', '0.0.0.0/0'], code: 2, says: /would close nothing/ },
  { title: 'NodePorts in another word', argv: ['init', '--node-ports', 'closed'], code: 2, says: /--node-ports "closed" is not known/ },
  {
    title: 'an interface that is nowhere, before any question',
    argv: ['init', '--interface', 'eth7'],
    code: 2,
    says: /no interface "eth7"[\s\S]*NODE=NAME/,
  },
  { title: 'NodePorts unanswered by --yes', argv: ['init', '--yes'], code: 2, says: /--yes does not answer[\s\S]*--node-ports/ },
  { title: 'no terminal, no answers', argv: ['init'], code: 2, says: /standard input is no terminal[\s\S]*--interface/ },
  {
    title: 'no terminal, one answer missing',
    argv: ['init', '--interface', 'ens160', '--trust', 'none'],
    code: 2,
    says: /fix: answer it with --vip/,
  },
  {
    title: 'no terminal, no word',
    argv: ['init', ...enough.slice(1), '--interface', 'ens160', '--trust', 'none', '--vip', 'none', '--failsafe', 'none'],
    code: 2,
    says: /asks before it writes[\s\S]*--yes/,
  },
  {
    title: 'add-vip without a firewall',
    argv: ['add-vip', '192.168.218.180', '--port', '80/tcp', '--yes'],
    code: 1,
    says: /has no firewall of this tool[\s\S]*init/,
  },
  { title: 'export without a firewall', argv: ['export'], code: 1, says: /has no firewall of this tool[\s\S]*init/ },
  { title: 'sync without a firewall', argv: ['sync', '--yes'], code: 1, says: /has no firewall of this tool[\s\S]*init/ },
  { title: 'render without a firewall', argv: ['render'], code: 1, says: /no firewall of this tool is kept[\s\S]*apply/ },
  { title: 'apply without a file', argv: ['apply'], code: 2, says: /required option '-f, --filename <FILE>' not specified[\s\S]*apply -f FILE/ },
  { title: 'confirm without a trial', argv: ['confirm', '--yes'], code: 3, says: /nothing is on trial/ },
]

const surroundings: Bad[] = [
  { title: 'unknown context', argv: ['status', '--context', 'work'], code: 2, says: /the context "work" does not exist[\s\S]*kubernetes-admin@home/ },
  { title: 'unreachable API', argv: ['status', '--server', 'https://192.168.218.171:6444'], code: 6, says: /192\.168\.218\.171:6444/ },
  {
    title: 'wrong CA',
    argv: ['status', '--certificate-authority', '/wrong.crt'],
    files: { '/wrong.crt': certificates.client.certificate },
    code: 6,
    says: /certificate/,
  },
  {
    title: 'forbidden to read',
    argv: ['init', ...enough],
    scene: ({ simulator }) => simulator.deny({ verb: 'list', resource: 'nodes' }),
    code: 6,
    says: /nodes/,
  },
  {
    title: 'forbidden to write',
    argv: ['init', ...enough],
    scene: ({ simulator }) => simulator.deny({ verb: 'deletecollection', resource: 'hostendpoints' }),
    code: 6,
    says: /you may not deletecollection hostendpoints\.projectcalico\.org/,
    locks: true,
  },
  {
    title: 'a foreign HostEndpoint on the interface',
    argv: ['init', ...enough],
    scene: planted({
      apiVersion: v3,
      kind: 'HostEndpoint',
      metadata: { name: 'theirs' },
      spec: { node: 'ws1.kryukov.local', interfaceName: 'ens160' },
    }),
    code: 3,
    says: /HostEndpoint theirs/,
  },
  {
    title: 'the tutorial’s policy, for its partition and its forgeable label; --yes does not pass it',
    argv: ['init', ...enough],
    scene: planted(defaultRules),
    code: 3,
    says: /GlobalNetworkPolicy default-rules makes this firewall unsafe[\s\S]*nodes by the labels of their HostEndpoints[\s\S]*NetworkSet of any tenant/,
  },
  {
    title: 'what the proof refuses: the API’s port is no failsafe where something stronger than default decides; --yes does not pass it',
    argv: ['init', ...enough],
    scene: planted({
      apiVersion: v3,
      kind: 'FelixConfiguration',
      metadata: { name: 'node.control1.kryukov.local' },
      spec: { failsafeInboundHostPorts: [{ protocol: 'TCP', port: 22 }] },
    }),
    code: 3,
    says: /would cut Felix, Typha and API clients[\s\S]*in the state "before anything closes"[\s\S]*FelixConfiguration node\.control1[\s\S]*fix: add 6443\/tcp, without a net/,
  },
  {
    title: 'a foreign policy that drops',
    argv: ['init', ...enough],
    scene: planted({
      apiVersion: v3,
      kind: 'GlobalNetworkPolicy',
      metadata: { name: 'baseline' },
      spec: { selector: 'all()', types: ['Ingress'], ingress: [{ action: 'Deny' }] },
    }),
    code: 3,
    says: /GlobalNetworkPolicy baseline/,
  },
  {
    title: 'eBPF',
    argv: ['init', ...enough],
    scene: ({ simulator }) => {
      const ref = { apiVersion: v3, kind: 'FelixConfiguration', name: 'default' }
      const withBpf = (bpfEnabled: boolean) =>
        simulator.objects.update(ref, (object) => ({ ...object, spec: { ...(object['spec'] as object), bpfEnabled } }))
      withBpf(true)
      return () => void withBpf(false)
    },
    code: 3,
    says: /eBPF/,
  },
]

describe('bad input: a clear error, its exit code, and nothing written', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  })
  afterAll(() => stage.close())

  it.each([...flags, ...values, ...surroundings])('$title', async ({ argv, code, says, files, scene, locks }) => {
    for (const [path, text] of Object.entries(files ?? {})) stage.files.set(path, text)
    const undo = scene?.(stage)
    const from = stage.simulator.requests.length
    try {
      const ending = await stage.run(argv)
      expect(ending.stderr).toMatch(says)
      expect(ending).toMatchObject({ code, stdout: '' })
      expect(ending.stderr).toMatch(/^(error|fix):/m)
      expect(stage.writes(from).filter((line) => locks === undefined || !/namespaces/.test(line))).toEqual([])
    } finally {
      undo?.()
    }
  })

  it('a second operator at the same time', async () => {
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'calico-fw-lock', namespace: 'calico-fw' } }
    const managed = { 'app.kubernetes.io/managed-by': 'calico-fw' }
    stage.simulator.objects.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'calico-fw', labels: managed } })
    stage.simulator.objects.create({
      ...lease,
      spec: { holderIdentity: 'eve@laptop/7-beef', leaseDurationSeconds: 20, renewTime: '2999-01-01T00:00:00.000000Z' },
    })
    const from = stage.simulator.requests.length
    const ending = await stage.run(['init', ...enough])
    expect(ending.stderr).toMatch(/error: eve@laptop\/7-beef is changing the firewall/)
    expect(ending.code).toBe(7)
    expect(stage.writes(from)).toEqual([])
    stage.simulator.objects.delete({ apiVersion: 'v1', kind: 'Namespace', name: 'calico-fw' })
  })
})
