// The single file of a release, and what goes with it: npm run build:binary -- [--runtime linux-arm64=PATH...] [--host PATH] [--out DIR]
// Without --runtime: this platform, from the Node that runs this. Another platform's needs --host, a Node of the same version that runs here.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { tarGz, zip } from './archive.mjs'
import { bundle } from './bundle.mjs'
import { makeExecutable, versionOf } from './executable.mjs'
import { krewManifest } from './krew-manifest.mjs'
import { noticesOf, packagesIn, sbomOf } from './packages-in.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** The most one download may be, in bytes. */
const budget = 45 * 10 ** 6
const here = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', multiple: true },
    host: { type: 'string', default: process.execPath },
    out: { type: 'string', default: 'dist/release' },
  },
})
const host = resolve(values.host)
const runtimes = (values.runtime ?? [`${here}=${host}`]).map((one) => {
  const [platform, path] = one.split('=')
  if (!/^(linux|darwin|windows)-(amd64|arm64)$/.test(platform) || path === undefined) throw new Error(`--runtime ${one}: write linux-arm64=PATH`)
  return { platform, path: resolve(path) }
})
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const out = resolve(root, values.out)
mkdirSync(out, { recursive: true })

const { code, inputs } = await bundle()
const packages = packagesIn(inputs)
const node = versionOf(host)
const sums = {}
const sha256 = (content) => createHash('sha256').update(content).digest('hex')
const save = (name, content) => {
  writeFileSync(join(out, name), content)
  sums[name] = sha256(content)
}
const notices = noticesOf(packages, { version: node, licensePath: join(dirname(host), '..', 'LICENSE') })
process.stdout.write(`bundle ${(code.length / 1e6).toFixed(2)} MB, sha256 ${sha256(code)}\n`)

const platforms = {}
for (const { platform, path } of runtimes) {
  const [system, architecture] = platform.split('-')
  const binary = `kubectl-calico_fw${system === 'windows' ? '.exe' : ''}`
  const built = join(out, platform === here ? binary : `${binary}-${platform}`)
  await makeExecutable({ code, runtime: path, host, platform: system, out: built })
  if (path === host) execFileSync(built, ['version'], { stdio: ['ignore', 'inherit', 'inherit'] })
  const files = [
    { name: binary, content: readFileSync(built), mode: 0o755 },
    { name: 'LICENSE', content: readFileSync(join(root, 'LICENSE')), mode: 0o644 },
    { name: 'THIRD_PARTY_NOTICES', content: Buffer.from(notices), mode: 0o644 },
  ]
  const name = `kubectl-calico_fw_${system}_${architecture}.${system === 'windows' ? 'zip' : 'tar.gz'}`
  const archive = system === 'windows' ? zip(files) : tarGz(files)
  save(name, archive)
  platforms[`${system}_${architecture}`] = sums[name]
  process.stdout.write(`${name}: ${(archive.length / 1e6).toFixed(1)} MB\n`)
  if (archive.length > budget) throw new Error(`${name} is larger than ${budget / 1e6} MB`)
}
save('sbom.cdx.json', Buffer.from(sbomOf(packages, { version, runtime: node })))
save('calico-fw.yaml', Buffer.from(krewManifest(version, platforms)))
writeFileSync(
  join(out, 'SHA256SUMS'),
  Object.entries(sums)
    .map(([name, sum]) => `${sum}  ${name}\n`)
    .join(''),
)
process.stdout.write(`written to ${out}\n`)
