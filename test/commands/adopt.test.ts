import { expect, onTestFinished, test } from 'vitest'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { formatHostFirewall } from '../../src/firewall/file/firewall-text.ts'
import { homeFirewall } from '../firewall/home-firewall.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { tutorialHostEndpoints, tutorialPolicies } from '../fixtures/tutorial.ts'
import { openStage } from './stage.ts'

test('adopt shows the file, what it deletes once it is kept, and what it ends in otherwise; there is nothing to adopt where nobody else has a HostEndpoint', async () => {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  const look = (...more: string[]) => stage.run(['adopt', '--dry-run', '--accept-unseen', 'host-input-rules', ...more])
  const nothing = await look()
  expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringContaining('there is no firewall to take over')])

  const { nodes } = homeFacts()
  const theirs = [...tutorialPolicies, ...tutorialHostEndpoints(nodes).filter(({ spec }) => spec.node !== 'ws4.kryukov.local')]
  const api = stage.simulator.api()
  for (const object of theirs) await api.create(object)
  const { code, stdout, stderr } = await look()
  expect([code, stderr]).toEqual([0, expect.stringContaining('127.0.0.0/8 stays closed')])
  expect(parseHostFirewall(stdout, 'stdout').spec).toMatchObject({
    trustedNets: ['10.233.0.0/16'],
    allow: [{ name: 'allow-rules' }, { name: 'allow-rules-2' }],
  })
  const flat = stderr.replaceAll(/\s+/g, ' ')
  for (const words of [
    'ours stands before the firewall that is there',
    'Once you keep it: delete HostEndpoint control1-ens160, HostEndpoint ws1-ens160',
    'GlobalNetworkPolicy default-rules; rollback brings them back.',
    'What ours closes, new or not',
    'gives way to the firewall that is there now, at once',
  ])
    expect(flat).toContain(words)

  const [first] = homeFirewall().spec.interfaces
  if (first === undefined) throw new Error('no interface')
  const elsewhere = homeFirewall({ interfaces: [{ ...first, nodeSelector: { matchLabels: { 'kubernetes.io/hostname': 'ws4.kryukov.local' } } }] })
  stage.files.set('/elsewhere.yaml', formatHostFirewall(elsewhere))
  const other = await look('-f', '/elsewhere.yaml')
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('nobody else has a HostEndpoint on an interface of this firewall')])
})
