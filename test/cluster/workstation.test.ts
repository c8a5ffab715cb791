import { describe, expect, it } from 'vitest'
import { workstationOf } from '../../src/cluster/workstation.ts'

describe('the home directory', () => {
  const home = (platform: NodeJS.Platform, env: Record<string, string>): string =>
    workstationOf({ platform, env, cwd: () => '/', stdin: {} }, () => 0).home

  it.each<[NodeJS.Platform, Record<string, string>, string]>([
    ['linux', { HOME: '/root', USERPROFILE: 'C:\\x' }, '/root'],
    ['linux', {}, ''],
    ['win32', { USERPROFILE: 'C:\\Users\\op', HOMEDRIVE: 'H:', HOMEPATH: '\\' }, 'C:\\Users\\op'],
    ['win32', { HOMEDRIVE: 'H:', HOMEPATH: '\\op' }, 'H:\\op'],
  ])('on %s with %o', (platform, env, expected) => {
    expect(home(platform, env)).toBe(expected)
  })
})
