import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../src/net/address.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'
import { homePlan, noticesOf, withNode } from './home-plan.ts'
import { manyNodes } from './many-nodes.ts'

describe('batches', () => {
  it('workers by one, two, four, eight; then control-plane nodes one at a time', () => {
    expect(homePlan(manyNodes(20, 3)).batches.map(({ nodes: some }) => some.length)).toEqual([1, 2, 4, 8, 5, 1, 1, 1])
    expect(
      homePlan(manyNodes(20, 3))
        .batches.flatMap(({ nodes: some }) => some)
        .slice(-3),
    ).toEqual(['cp000', 'cp001', 'cp002'])
  })

  it('no more than 512 at once', () => {
    const { batches, probes } = homePlan(manyNodes(2_100, 0))
    expect(batches.map(({ nodes: some }) => some.length)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 512, 53])
    // Its kubelet's port on each, and a NodePort on every third.
    const closed = probes.filter((one) => one.expect === 'closed' && one.node?.startsWith('w'))
    expect(closed.filter(({ id }) => id.endsWith('/10250'))).toHaveLength(2_100)
    expect(closed.filter(({ id }) => !id.endsWith('/10250'))).toHaveLength(700)
  })

  it.each([
    ['a control-plane node', '10.9.0.1', undefined, 'cp000'],
    ['a worker with the VIP', '192.168.218.189', 'w001', 'w001'],
  ])('our own path leads through %s: it comes last', (_, address, node, last) => {
    const facts = manyNodes(3, 3)
    const made = homePlan({
      ...facts,
      apiEndpoints: [{ address: parseAddress(address), port: 6443, sources: ['kubeconfig'], ...(node === undefined ? {} : { node }) }],
    })
    expect(made.batches.at(-1)).toMatchObject({ nodes: [last], title: expect.stringContaining('your own path') })
    expect(made.batches.flatMap(({ nodes: some }) => some)).toHaveLength(6)
  })

  it('this machine is a node: it comes last', () => {
    expect(homePlan({ ...manyNodes(3, 1), operatorAddresses: [parseAddress('10.10.0.1')] }).batches.at(-1)?.nodes).toEqual(['w000'])
  })

  it('NotReady nodes and nodes of other systems are not closed', () => {
    const facts = withNode(withNode(homeFacts(), nodeName('ws1'), { ready: false }), nodeName('ws2'), { operatingSystem: 'windows' })
    const made = homePlan(facts)
    expect(made.batches.flatMap(({ nodes: some }) => some)).toEqual(['ws3', 'ws4', 'control1'].map(nodeName))
    expect(noticesOf(made)).toContainEqual(expect.stringMatching(/^NotReady, so not closed now: ws1\.kryukov\.local\./))
    expect(noticesOf(made)).toContainEqual(expect.stringMatching(/^ws2\.kryukov\.local \(windows\): /))
  })
})
