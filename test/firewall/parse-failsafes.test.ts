import { describe, expect, it } from 'vitest'
import { FwError } from '../../src/errors.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'

const failsafe = (entry: string): string =>
  `apiVersion: calico-fw.github.io/v1alpha1\nkind: HostFirewall\nmetadata: {name: home}\nspec:\n  interfaces: [{nodeSelector: {}, names: [ens160]}]\n  extraFailsafePorts:\n    inbound: [${entry}]\n`

const errorOf = (text: string): FwError => {
  try {
    parseHostFirewall(text, 'home.yaml')
  } catch (error) {
    if (error instanceof FwError) return error
    throw error
  }
  throw new Error('the file was taken')
}

describe('failsafes of a file', () => {
  it.each([
    ['SCTP', '{protocol: SCTP, port: 80}', 'inbound[0].protocol is SCTP', 'stops programming on every node'],
    ['no protocol', '{port: 80}', 'inbound[0] has no protocol', 'stops programming on every node'],
    [
      'a net, which cannot narrow',
      '{protocol: TCP, port: 22, net: 10.0.0.0/8}',
      'inbound[0].net can not stand in a failsafe',
      'does not become narrower',
    ],
    ['nets', '{protocol: TCP, port: 22, nets: [10.0.0.0/8]}', 'inbound[0].nets can not stand in a failsafe', 'does not become narrower'],
    ['a small protocol', '{protocol: tcp, port: 22}', 'inbound[0].protocol is "tcp"', undefined],
    ['a range', '{protocol: TCP, port: 1-2}', 'inbound[0].port is "1-2", which is not one port', undefined],
    ['port 65536', '{protocol: TCP, port: 65536}', 'is not one port', undefined],
    ['no port', '{protocol: TCP}', 'inbound[0] has no port', undefined],
  ])('refuses a failsafe with %s', (_, entry, what, why) => {
    const error = errorOf(failsafe(entry))
    expect(error).toMatchObject({ code: 'FW_BAD_FAILSAFE', exit: 2, message: expect.stringContaining(what) })
    expect(error.message).toMatch(/^home\.yaml:7: /)
    expect(error.fix).toBeDefined()
    if (why !== undefined) expect(error.why).toContain(why)
  })
})

describe('narrowed failsafes of a file', () => {
  const narrowed = (entries: string): string => failsafe('').replace(/ {2}extraFailsafePorts[\s\S]*/, `  narrowFailsafes: [${entries}]\n`)
  const ssh = '{protocol: TCP, port: 22}'

  it('are ports and who keeps them; nobody but the nodes is []', () => {
    const text = narrowed(`{ports: [${ssh}], from: [10.0.0.0/8]}, {ports: [{protocol: TCP, port: 2379}], from: []}`)
    expect(parseHostFirewall(text, 'home.yaml').spec.narrowFailsafes).toEqual([
      { ports: [{ protocol: 'TCP', port: 22 }], from: ['10.0.0.0/8'] },
      { ports: [{ protocol: 'TCP', port: 2379 }], from: [] },
    ])
  })

  it.each([
    ['no ports', '{from: [10.0.0.0/8]}', 'narrowFailsafes[0] has no ports'],
    ['an empty list of ports', '{ports: [], from: [10.0.0.0/8]}', 'narrowFailsafes[0].ports is empty'],
    ['no from', `{ports: [${ssh}]}`, 'narrowFailsafes[0] has no from'],
    ['a port twice', `{ports: [${ssh}], from: [10.0.0.0/8]}, {ports: [${ssh}], from: []}`, 'names 22/tcp twice'],
    ['SCTP', '{ports: [{protocol: SCTP, port: 22}], from: []}', 'is SCTP'],
    ['every address', `{ports: [${ssh}], from: [0.0.0.0/0]}`, 'which is every address'],
    ['no address', `{ports: [${ssh}], from: [me]}`, 'home.yaml:6'],
  ])('are refused with %s', (_, entries, says) => {
    const error = errorOf(narrowed(entries))
    expect(error.exit).toBe(2)
    expect(error.message).toContain(says)
  })
})
