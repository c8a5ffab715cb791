import assert from 'node:assert/strict'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { spreads } from './cells.ts'
import type { LabObject } from './cluster/api.ts'
import { homeFirewall, remove, write } from './firewall.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { partition } from './machine/failures.ts'
import { type Ran, until } from './machine/run.ts'
import { tcp, untilAnswer } from './packets/expect.ts'

const node = 'ws1'

/** kubectl on the operator's host. */
const kubectl = (lab: Lab, args: readonly string[], { input = '', timeoutMs = 30_000 } = {}): Promise<Ran> => {
  const argv = ['env', `KUBECONFIG=${lab.state.at('pki', 'vip.kubeconfig')}`, `${lab.binaries.controlPlane}/kubectl`, ...args]
  return lab.exec('adm', argv, { input, timeoutMs })
}

/** What kubectl printed; it must have ended well. */
const printed = async (lab: Lab, args: readonly string[], input = ''): Promise<string> => {
  const ran = await kubectl(lab, args, { input })
  assert.equal(ran.code, 0, `kubectl ${args.join(' ')}\n${ran.stderr}`)
  return ran.stdout
}

/** A pod with the node's own network, which the node's kubelet runs as real processes. */
const hostPod = (lab: Lab, name: string, script: string, container: Readonly<Record<string, unknown>> = {}): LabObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: {
    ...{ hostNetwork: true, nodeName: lab.node(node).fqdn, restartPolicy: 'Never', automountServiceAccountToken: false },
    // The first process of a container has no default answer to SIGTERM.
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'main', image: 'lab', command: ['sh', '-c', script], ...container }],
  },
})

interface PodStatus {
  readonly phase?: string
  readonly containerStatuses?: readonly { readonly state: { readonly terminated?: { readonly exitCode: number; readonly message?: string } } }[]
}

const refOf = (pod: LabObject) => ({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: pod.metadata.name })

const inPhase = async (lab: Lab, pod: LabObject, phase: string): Promise<PodStatus> => {
  const look = async () => {
    const status = (await lab.api.get(refOf(pod)))?.['status'] as PodStatus | undefined
    return status?.phase === phase ? status : undefined
  }
  return (await until(`pod ${pod.metadata.name} to be ${phase}`, look)).answer
}

const withPod = async (lab: Lab, pod: LabObject, work: () => Promise<void>): Promise<void> => {
  await lab.api.apply(pod)
  try {
    await work()
  } finally {
    await lab.api.delete(refOf(pod))
    await until(`pod ${pod.metadata.name} to go`, async () => (await lab.api.get(refOf(pod))) === undefined, 60_000)
  }
}

const lastSignOfLife = async (lab: Lab): Promise<number> => {
  const ref = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'kube-node-lease', name: lab.node(node).fqdn }
  const spec = (await lab.api.get(ref))?.['spec'] as { renewTime?: string } | undefined
  return Date.parse(spec?.renewTime ?? '')
}

/** The kubelet's face of every node. */
export const tests: readonly LabTest[] = [
  {
    name: 'kubelet: exec, attach, logs, the node proxy, termination messages and heartbeats are real',
    needs: ['kubelet'],
    sampled: spreads.first,
    run: async (lab) => {
      for (const { fqdn } of lab.layout.nodes) assert.equal(await printed(lab, ['get', '--raw', `/api/v1/nodes/${fqdn}/proxy/healthz`]), 'ok', fqdn)
      const summary = JSON.parse(await printed(lab, ['get', '--raw', `/api/v1/nodes/${lab.node(node).fqdn}/proxy/stats/summary`])) as {
        node: { network: { interfaces: { name: string }[] } }
      }
      assert.ok(summary.node.network.interfaces.some(({ name }) => name === lab.node(node).nic))

      const dying = hostPod(lab, 'dying', 'echo hello; printf because > /dev/termination-log; exit 7')
      await withPod(lab, dying, async () => {
        const { containerStatuses = [] } = await inPhase(lab, dying, 'Failed')
        const { terminated } = containerStatuses[0]?.state ?? {}
        assert.deepEqual([terminated?.exitCode, terminated?.message], [7, 'because'])
        assert.equal(await printed(lab, ['logs', 'dying']), 'hello\n')
      })

      const cat = hostPod(lab, 'cat', 'cat', { stdin: true, stdinOnce: true, securityContext: { privileged: true } })
      await withPod(lab, cat, async () => {
        await inPhase(lab, cat, 'Running')
        const addresses = JSON.parse(await printed(lab, ['exec', 'cat', '--', 'ip', '-j', 'addr', 'show', lab.node(node).nic])) as {
          addr_info: { local: string }[]
        }[]
        assert.ok(addresses[0]?.addr_info.some(({ local }) => local === lab.node(node).address))
        assert.equal((await kubectl(lab, ['exec', 'cat', '--', 'sh', '-c', 'exit 3'])).code, 3)
        assert.equal(await printed(lab, ['exec', '-i', 'cat', '--', 'tr', 'a-z', 'A-Z'], 'through'), 'THROUGH')
        const saved = lab.variant.felix === 'native' ? ['nft', 'list', 'ruleset'] : ['iptables-save']
        assert.equal((await kubectl(lab, ['exec', 'cat', '--', ...saved])).code, 0)
        assert.match(await printed(lab, ['attach', '-i', 'cat'], 'attached\n'), /^attached$/m)
      })

      const before = await lastSignOfLife(lab)
      const { answer: after } = await until(
        'a heartbeat',
        async () => {
          const now = await lastSignOfLife(lab)
          return now > before ? now : undefined
        },
        30_000,
      )
      assert.ok(Math.abs(Date.now() - after) < 5_000, 'the Lease tells the moment')
    },
  },
  {
    name: 'kubelet: its port is reached over the wire, and closes with the firewall for all but nodes',
    needs: ['felix', 'kubelet'],
    sampled: spreads.second,
    run: async (lab) => {
      const cat = hostPod(lab, 'cat', 'cat', { stdin: true })
      await withPod(lab, cat, async () => {
        await inPhase(lab, cat, 'Running')
        const firewall = homeFirewall(lab)
        const objects = [...firewall.sets, ...firewall.policies, denyPolicy([1]), ...firewall.hostEndpoints(1)]
        const address = lab.node(node).address
        await write(lab, ...objects)
        await untilAnswer(lab, tcp('win', address, 10250), 'TIMEOUT')
        const exec = ['exec', 'cat', '--', 'true']
        assert.equal((await kubectl(lab, exec)).code, 0, 'the API server is a node, so exec goes on')
        const heal = await partition(lab, lab.node('control1').address, address)
        try {
          // The API server would go on dialling for half a minute.
          assert.notEqual((await kubectl(lab, exec, { timeoutMs: 5_000 })).code, 0, 'cut from control1, exec fails')
        } finally {
          await heal()
        }
        await remove(lab, ...objects.slice(2))
      })
    },
  },
]
