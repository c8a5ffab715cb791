import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runCli } from '../../src/cli.ts'
import type { Context } from '../../src/commands/context.ts'
import { formatFacts } from '../../src/discovery/facts-file.ts'
import type { FwError } from '../../src/errors.ts'
import { committedWorld } from '../../src/proof/plan-states.ts'
import { homeAddresses as at, homeFacts } from '../fixtures/home-facts.ts'
import { tutorialHostEndpoints, tutorialPolicies } from '../fixtures/tutorial.ts'
import { homePlan } from '../proof/home-plan.ts'

const facts = homeFacts()
const committed = committedWorld(facts, homePlan(facts))
const files: Record<string, string> = {
  'open.json': formatFacts(facts),
  'tutorial.json': formatFacts({ ...facts, policies: tutorialPolicies, hostEndpoints: tutorialHostEndpoints(facts.nodes) }),
  'closed.json': formatFacts({
    ...facts,
    policies: committed.policies,
    hostEndpoints: committed.hostEndpoints,
    networkSets: committed.networkSets,
    failsafes: committed.failsafes,
  }),
  'home.yaml': readFileSync(new URL('../../examples/home.yaml', import.meta.url), 'utf8'),
  'deny.yaml': `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: no-metrics}
spec: {order: 1, selector: "node-endpoint == 'home'", types: [Ingress], preDNAT: true, applyOnForward: true, ingress: [{action: Deny, protocol: TCP, destination: {ports: [80]}}]}
`,
  'pod.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n',
}

const explain = async (...argv: string[]) => {
  let text = ''
  const stream = {
    write: (chunk: string) => {
      text += chunk
      return true
    },
  }
  const readFile = (path: string) => {
    const found = files[path]
    if (found === undefined) throw new Error('ENOENT')
    return Buffer.from(found)
  }
  const code = await runCli({ argv: ['explain', ...argv], stdout: stream, stderr: stream, workstation: { readFile } } as unknown as Context)
  return { code, text }
}

describe('explain, offline', () => {
  it('names the rule that decides and how to change it', async () => {
    const { code, text } = await explain(at.windowsClient, 'ws1:10250/tcp', '--facts', 'closed.json')
    expect(code).toBe(0)
    expect(text).toMatch(/^DENIED now\n/)
    expect(text).toMatch(/ws1\.kryukov\.local +preDNAT +GlobalNetworkPolicy calico-fw-deny ingress\[0\]: Deny/)
    expect(text).toContain(
      `To change it: rule ingress[0] of GlobalNetworkPolicy calico-fw-deny closes what the file does not open: kubectl calico-fw add-vip ${at.ws1} --port 10250/tcp --from ${at.windowsClient}/32`,
    )
  })
  it.each([
    [
      'a failsafe',
      ['203.0.113.9', 'ws1:22/tcp', '--facts', 'closed.json'],
      /ALLOWED now[\s\S]*only the failsafe list of FelixConfiguration default can close it/,
    ],
    [
      'an opening',
      ['203.0.113.9', `${at.ingressVip}:443/tcp`, '--facts', 'closed.json'],
      /ALLOWED now[\s\S]*GlobalNetworkPolicy calico-fw-allow-ingress lets it in/,
    ],
    ['no firewall', [at.windowsClient, 'ws1:10250/tcp', '--facts', 'open.json'], /ALLOWED now[\s\S]*kubectl calico-fw init closes nodes/],
    [
      'somebody else’s policy',
      [at.windowsClient, 'ws2:31110/tcp', '--facts', 'tutorial.json'],
      /DENIED now[\s\S]*kubectl edit globalnetworkpolicy default-rules/,
    ],
    ['ICMP', [at.windowsClient, 'ws1/icmp', '--facts', 'closed.json'], /ALLOWED now[\s\S]*calico-fw-base ingress/],
    [
      'a loopback address from the LAN',
      [at.windowsClient, '127.0.0.1:2379/tcp', '--via', 'ws1.kryukov.local', '--facts', 'closed.json'],
      /ALLOWED now[\s\S]*martian/,
    ],
    ['what is not known', [at.windowsClient, '192.168.218.200:80/tcp', '--facts', 'closed.json'], /NOT KNOWN now[\s\S]*what decides is not told/],
  ])('%s', async (_, argv, expected) => {
    expect((await explain(...argv)).text).toMatch(expected)
  })
  it('tells what a firewall file would change', async () => {
    const { text } = await explain(at.windowsClient, 'ws1:10250/tcp', '--facts', 'open.json', '-f', 'home.yaml')
    expect(text).toMatch(/^ALLOWED as the cluster is\n[\s\S]*\nDENIED with home\.yaml\n/)
  })
  it('tells what manifests would change, and takes none it cannot judge by', async () => {
    const { text } = await explain(
      '203.0.113.9',
      `${at.ingressVip}:80/tcp`,
      '--via',
      'ws1.kryukov.local',
      '--facts',
      'tutorial.json',
      '-f',
      'deny.yaml',
    )
    expect(text).toMatch(/^ALLOWED as the cluster is[\s\S]*DENIED with deny\.yaml[\s\S]*no-metrics ingress\[0\]: Deny/)
    await expect(explain(at.windowsClient, 'ws1:80/tcp', '--facts', 'open.json', '-f', 'pod.yaml')).rejects.toMatchObject({
      code: 'FW_BAD_FILE',
    } satisfies Partial<FwError>)
  })
  it('prints one document for programs', async () => {
    const { text } = await explain(at.windowsClient, 'ws1:10250/tcp', '--facts', 'closed.json', '-o', 'json')
    expect(JSON.parse(text)).toMatchObject({ kind: 'Explanation', connection: { port: 10250 }, now: { action: 'deny' } })
  })
  it.each([
    [['a', 'ws1:80/tcp'], 'FW_UNKNOWN_NODE'],
    [[at.windowsClient, 'ws1:80'], 'FW_USAGE'],
    [[at.windowsClient, 'ws1/tcp'], 'FW_USAGE'],
    [[at.windowsClient, 'ws1:80-90/tcp'], 'FW_USAGE'],
    [[at.windowsClient, 'ws1:99999/tcp'], 'FW_BAD_PORT'],
    [['fd00::1', 'ws1:80/tcp'], 'FW_USAGE'],
    [[at.windowsClient, 'ws1:80/tcp', '--via', 'nobody'], 'FW_UNKNOWN_NODE'],
  ] as const)('refuses %j with %s', async (argv, code) => {
    await expect(explain(...argv, '--facts', 'open.json')).rejects.toMatchObject({ code })
  })
})
