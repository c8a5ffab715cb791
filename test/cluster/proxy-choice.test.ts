import { describe, expect, it } from 'vitest'
import { proxyFor } from '../../src/cluster/transport/proxy-choice.ts'

const chosen = (server: string, env: Record<string, string>, proxyUrl = ''): string | undefined => proxyFor(new URL(server), proxyUrl, env)?.href

describe('which proxy', () => {
  const both = { HTTPS_PROXY: 'http://secure:3128', HTTP_PROXY: 'http://plain:3128' }

  it.each<[string, string, Record<string, string>, string, string | undefined]>([
    ['none', 'https://k:6443', {}, '', undefined],
    ['HTTPS_PROXY for https', 'https://k:6443', both, '', 'http://secure:3128/'],
    ['HTTP_PROXY for http', 'http://k:8080', both, '', 'http://plain:3128/'],
    ['HTTP_PROXY says nothing about https', 'https://k:6443', { HTTP_PROXY: 'http://plain:3128' }, '', undefined],
    ['lower case first', 'https://k', { ...both, https_proxy: 'http://lower:1' }, '', 'http://lower:1/'],
    ['a proxy without scheme', 'https://k', { HTTPS_PROXY: 'p:3128' }, '', 'http://p:3128/'],
    ['a socks5 proxy', 'https://k', { HTTPS_PROXY: 'socks5://p:1080' }, '', 'socks5://p:1080'],
    ['proxy-url of the kubeconfig before the environment', 'https://k', both, 'http://mine:1', 'http://mine:1/'],
    ['proxy-url even for what NO_PROXY names', 'https://k', { ...both, NO_PROXY: 'k' }, 'http://mine:1', 'http://mine:1/'],
    ['never for localhost', 'https://localhost:6443', both, '', undefined],
    ['never for a loopback address', 'https://127.1.2.3:6443', both, '', undefined],
    ['never for ::1', 'https://[::1]:6443', both, '', undefined],
  ])('%s', (_title, server, env, proxyUrl, expected) => {
    expect(chosen(server, env, proxyUrl)).toBe(expected)
  })
})

/** Each line was run through Go's golang.org/x/net/http/httpproxy v0.61.0 with the same outcome. */
const noProxy: readonly (readonly [entry: string, server: string, goesStraight: boolean])[] = [
  ['k.example.org', 'https://k.example.org:6443', true],
  ['K.Example.org', 'https://k.example.org', true],
  ['example.org', 'https://k.example.org', true],
  ['example.org', 'https://example.org', true],
  ['example.org', 'https://badexample.org', false],
  ['.example.org', 'https://k.example.org', true],
  ['.example.org', 'https://example.org', false],
  ['*.example.org', 'https://k.example.org', true],
  ['*.example.org', 'https://example.org', false],
  ['k.example.org:6443', 'https://k.example.org:6443', true],
  ['k.example.org:6443', 'https://k.example.org:443', false],
  ['k.example.org:443', 'https://k.example.org', true],
  ['*', 'https://anything', true],
  ['a, *', 'https://anything', true],
  [' a , k ', 'https://k', true],
  ['10.0.0.0/8', 'https://10.1.2.3:6443', true],
  ['10.1.2.3/8', 'https://10.200.0.1', true],
  ['10.0.0.0/8', 'https://11.1.2.3', false],
  ['192.168.218.171', 'https://192.168.218.171:6443', true],
  ['192.168.218.171:6443', 'https://192.168.218.171:6443', true],
  ['192.168.218.171:6443', 'https://192.168.218.171:443', false],
  ['2001:db8::/32', 'https://[2001:db8::5]:6443', true],
  ['2001:db8::5', 'https://[2001:db8::5]:6443', true],
  ['[2001:db8::5]:6443', 'https://[2001:db8::5]:6443', true],
  ['[2001:db8::5]:6443', 'https://[2001:db8::5]:443', false],
  ['168.218.171', 'https://192.168.218.171', false],
  ['.171', 'https://192.168.218.171', false],
  ['', 'https://k', false],
  [':6443', 'https://k:6443', false],
  ['10.0.0.0/33', 'https://10.0.0.1', false],
]

describe('NO_PROXY, as Go reads it', () => {
  it.each(noProxy)('%s and %s: straight %s', (entry, server, goesStraight) => {
    expect(chosen(server, { HTTPS_PROXY: 'http://p:1', NO_PROXY: entry }) === undefined).toBe(goesStraight)
  })
})
