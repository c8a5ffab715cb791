import { describe, expect, it } from 'vitest'
import { FwError } from '../../src/errors.ts'
import { parseHostFirewall } from '../../src/firewall/firewall-file.ts'

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
