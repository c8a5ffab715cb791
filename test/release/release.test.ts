import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { unzipSync } from 'fflate'
import { beforeAll, describe, expect, it } from 'vitest'
import { tarGz, zip } from '../../scripts/archive.mjs'
import { bundle } from '../../scripts/bundle.mjs'
import { noticesOf, packagesIn, sbomOf } from '../../scripts/packages-in.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

let first: Awaited<ReturnType<typeof bundle>>
beforeAll(async () => {
  first = await bundle()
})

describe('the program of a single file', () => {
  it('is the same for the same sources, and says nothing of where it was built', async () => {
    expect(sha256((await bundle()).code)).toBe(sha256(first.code))
    expect(first.code.includes(root)).toBe(false)
  })

  it('stays small: whoever adds a megabyte of a library notices here', () => {
    expect(first.code.length).toBeLessThan(1_200_000)
    expect(first.inputs.filter((input) => /iconv-lite|chardet|node-fetch|openid-client|undici/.test(input))).toEqual([])
  })

  it('names every package inside with its licence, in the notices and in the bill of materials', () => {
    const packages = packagesIn(first.inputs)
    expect(packages.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['commander', 'inquirer', 'listr2', 'ora', 'yaml', '@kubernetes/client-node']),
    )
    const notices = noticesOf(packages, { version: process.version, licensePath: 'no such file' })
    const sbom = JSON.parse(sbomOf(packages, { version: '0.1.0', runtime: process.version })) as {
      components: { name: string; licenses: { license: { id?: string } }[] }[]
    }
    for (const { name, version } of packages) {
      expect(notices).toContain(`${name} ${version} (`)
      expect(sbom.components.find((one) => one.name === name)?.licenses[0]?.license.id).toMatch(
        /^(MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|Unlicense|BlueOak-1\.0\.0)$/,
      )
    }
  })
})

describe('an archive', () => {
  const files = [
    { name: 'kubectl-calico_fw', content: Buffer.from('#!/bin/sh\necho hello\n'), mode: 0o755 },
    { name: 'LICENSE', content: readFileSync(new URL('../../LICENSE', import.meta.url)), mode: 0o644 },
  ]

  it('as tar.gz is the same for the same files, and tar reads it', () => {
    const archive = tarGz(files)
    expect(sha256(tarGz(files))).toBe(sha256(archive))
    expect(gunzipSync(archive).length % 512).toBe(0)
    const listing = execFileSync('tar', ['tvzf', '-'], { input: archive, encoding: 'utf8', env: { PATH: process.env['PATH'], TZ: 'UTC' } })
    expect(listing).toMatch(/^-rwxr-xr-x 0\/0 +21 1970-01-01 00:00 kubectl-calico_fw\n-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00 LICENSE\n$/)
    expect(execFileSync('tar', ['xzOf', '-', 'kubectl-calico_fw'], { input: archive, encoding: 'utf8' })).toBe('#!/bin/sh\necho hello\n')
  })

  it('as zip is the same for the same files', () => {
    const archive = zip(files)
    expect(sha256(zip(files))).toBe(sha256(archive))
    expect(Object.keys(unzipSync(archive))).toEqual(['kubectl-calico_fw', 'LICENSE'])
  })
})

it('the npm package holds the program and what one must read, and nothing else', () => {
  const [{ files }] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  ) as [{ files: { path: string }[] }]
  const paths = files.map(({ path }) => path)
  expect(paths).toEqual(
    expect.arrayContaining([
      'bin/kubectl-calico_fw.js',
      'package.json',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'deploy/rbac.yaml',
      'docs/locked-out.md',
    ]),
  )
  expect(
    paths.filter(
      (path) =>
        !/^(bin\/|dist\/(main|chunks\/)|deploy\/|docs\/|examples\/|README\.md|LICENSE|CHANGELOG\.md|package\.json|krew-manifest\.yaml)/.test(path),
    ),
  ).toEqual([])
})

describe('the program on a Node.js its libraries do not run on', () => {
  const bin = new URL('../../bin/kubectl-calico_fw.js', import.meta.url)
  const startOn = (version: string) =>
    spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `Object.defineProperty(process, 'versions', { value: { node: '${version}' } }); process.argv.push('', '--version'); await import('${bin}')`,
      ],
      { encoding: 'utf8' },
    )

  it.each(['18.20.8', '20.16.0', '21.7.3', '22.12.0', '23.4.0'])('refuses %s and says why', (version) => {
    const { status, stderr } = startOn(version)
    expect(status).toBe(2)
    expect(stderr).toMatch(/^error: kubectl calico-fw needs Node\.js 20\.17, 22\.13 or newer\n/)
  })

  it.each(['20.17.0', '22.13.0', '23.5.0', '24.0.0', '26.1.0'])('starts on %s', (version) => {
    expect(startOn(version).stderr).not.toMatch(/needs Node\.js/)
  })
})
