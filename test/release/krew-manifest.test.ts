import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { krewManifest } from '../../scripts/krew-manifest.mjs'

const platforms = ['linux_amd64', 'linux_arm64', 'darwin_amd64', 'darwin_arm64', 'windows_amd64', 'windows_arm64']
const sums = Object.fromEntries(platforms.map((platform, at) => [platform, `${at}`.repeat(64)]))

interface Platform {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }
  readonly uri?: string
  readonly sha256?: string
  readonly bin?: string
  readonly files?: readonly unknown[]
}
interface Manifest {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: { readonly name?: string }
  readonly spec?: {
    readonly version?: string
    readonly homepage?: string
    readonly shortDescription?: string
    readonly description?: string
    readonly platforms?: readonly Platform[]
  }
}

/** Pairs krew knows (cmd/validate-krew-manifest/main.go, `allPlatforms`). */
const known = [
  'darwin/386',
  'darwin/amd64',
  'darwin/arm64',
  'linux/386',
  'linux/amd64',
  'linux/arm',
  'linux/arm64',
  'linux/ppc64le',
  'windows/386',
  'windows/amd64',
  'windows/arm64',
]
const deviceNames = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/i

/** Every rule krew's validator and its index have for a manifest (internal/index/validation, cmd/validate-krew-manifest); the file is named like the plugin. */
const complaints = (manifest: Manifest, fileName = 'calico-fw.yaml'): string[] => {
  const { spec = {}, metadata = {} } = manifest
  const all = spec.platforms ?? []
  const matching = (platform: Platform): string[] => {
    const { os, arch } = platform.selector?.matchLabels ?? {}
    return known.filter((pair) => (os === undefined || pair.startsWith(`${os}/`)) && (arch === undefined || pair.endsWith(`/${arch}`)))
  }
  const rules: [boolean, string][] = [
    [manifest.apiVersion === 'krew.googlecontainertools.github.com/v1alpha2', 'apiVersion'],
    [manifest.kind === 'Plugin', 'kind'],
    [/^[\w-]+$/.test(metadata.name ?? '') && !deviceNames.test(metadata.name ?? ''), 'name'],
    [fileName === `${metadata.name}.yaml`, 'file name'],
    [/^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.test(spec.version ?? ''), 'version'],
    [(spec.shortDescription ?? '') !== '' && !/[\r\n]/.test(spec.shortDescription ?? ''), 'shortDescription'],
    [all.length > 0, 'platforms'],
    ...all.flatMap((platform): [boolean, string][] => [
      [/^[a-f0-9]{64}$/.test(platform.sha256 ?? ''), 'sha256'],
      [(platform.uri ?? '') !== '' && /\.(tar\.gz|zip)$/.test(platform.uri ?? ''), 'uri'],
      [(platform.bin ?? '') !== '' && !(platform.bin ?? '').includes('..'), 'bin'],
      [platform.files === undefined || platform.files.length > 0, 'files'],
      [Object.keys(platform.selector?.matchLabels ?? {}).every((key) => key === 'os' || key === 'arch'), 'selector keys'],
      [matching(platform).length > 0, 'selector matches no platform'],
    ]),
    [known.every((pair) => all.filter((platform) => matching(platform).includes(pair)).length <= 1), 'overlapping selectors'],
  ]
  return rules.filter(([holds]) => !holds).map(([, rule]) => rule)
}

const filled = (): Manifest => parse(krewManifest('0.1.0', sums)) as Manifest
const edited = (
  edit: (manifest: { spec: Record<string, unknown>; metadata: Record<string, unknown>; platforms: Record<string, unknown>[] }) => void,
): Manifest => {
  const manifest = filled() as unknown as {
    spec: { platforms: Record<string, unknown>[] } & Record<string, unknown>
    metadata: Record<string, unknown>
  }
  edit({ spec: manifest.spec, metadata: manifest.metadata, platforms: manifest.spec.platforms })
  return manifest as unknown as Manifest
}

describe('the krew manifest of a release', () => {
  it('passes every rule, for six platforms', () => {
    expect(complaints(filled())).toEqual([])
    expect(filled().spec?.platforms?.map(({ uri, bin, sha256 }) => [uri?.split('/').at(-1), bin, sha256])).toEqual(
      platforms.map((platform) => {
        const isWindows = platform.startsWith('windows')
        return [`kubectl-calico_fw_${platform}.${isWindows ? 'zip' : 'tar.gz'}`, `kubectl-calico_fw${isWindows ? '.exe' : ''}`, sums[platform]]
      }),
    )
  })

  it('names only platforms that were built', () => {
    const manifest = parse(krewManifest('0.1.0', { linux_amd64: 'a'.repeat(64) })) as Manifest
    expect(complaints(manifest)).toEqual([])
    expect(manifest.spec?.platforms).toHaveLength(1)
  })

  it.each<[string, Parameters<typeof edited>[0]]>([
    ['sha256', ({ platforms: [one = {}] }) => Object.assign(one, { sha256: 'A'.repeat(64) })],
    ['version', ({ spec }) => Object.assign(spec, { version: '0.1.0' })],
    ['name', ({ metadata }) => Object.assign(metadata, { name: 'calico fw' })],
    ['file name', ({ metadata }) => Object.assign(metadata, { name: 'calico-firewall' })],
    ['shortDescription', ({ spec }) => Object.assign(spec, { shortDescription: 'two\nlines' })],
    ['platforms', ({ spec }) => Object.assign(spec, { platforms: [] })],
    ['uri', ({ platforms: [one = {}] }) => Object.assign(one, { uri: 'https://example.org/x.tgz' })],
    ['files', ({ platforms: [one = {}] }) => Object.assign(one, { files: [] })],
    ['selector keys', ({ platforms: [one = {}] }) => Object.assign(one, { selector: { matchLabels: { os: 'linux', arch: 'amd64', libc: 'musl' } } })],
    ['selector matches no platform', ({ platforms: [one = {}] }) => Object.assign(one, { selector: { matchLabels: { os: 'plan9' } } })],
    ['overlapping selectors', ({ platforms: [one = {}] }) => Object.assign(one, { selector: { matchLabels: { os: 'linux' } } })],
  ])('would not pass with a wrong %s', (rule, edit) => {
    expect(complaints(edited(edit))).toContain(rule)
  })
})
