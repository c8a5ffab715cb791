import { describe, expect, it } from 'vitest'
import { parseRequestTimeout } from '../../src/cluster/kubeconfig/connection-flags.ts'

describe('--request-timeout', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['0', undefined],
    ['0s', undefined],
    ['5', 5_000],
    ['1.5s', 1_500],
    ['250ms', 250],
    ['1h2m3s', 3_723_000],
    ['1ns', 1],
  ])('%s is %s ms', (text, expected) => {
    expect(parseRequestTimeout(text)).toBe(expected)
  })

  it.each(['-1', '5 s', 'soon', '1d', '1e3', '99999h'])('%s is refused', (text) => {
    expect(() => parseRequestTimeout(text)).toThrow('is not a length of time')
  })
})
