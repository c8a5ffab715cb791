// What six machines built becomes one release: checksums of all of it, and the krew manifest with each archive's own: node scripts/collect-release.mjs FOLDER
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { krewManifest } from './krew-manifest.mjs'

const [folder = 'dist/release'] = process.argv.slice(2)
const { version } = JSON.parse(readFileSync(join(dirname(dirname(fileURLToPath(import.meta.url))), 'package.json'), 'utf8'))
const sumOf = (name) =>
  createHash('sha256')
    .update(readFileSync(join(folder, name)))
    .digest('hex')
const platformOf = /^kubectl-calico_fw_(\w+)\.(?:tar\.gz|zip)$/

const archives = readdirSync(folder).filter((name) => platformOf.test(name))
const sums = Object.fromEntries(archives.map((name) => [platformOf.exec(name)[1], sumOf(name)]))
writeFileSync(join(folder, 'calico-fw.yaml'), krewManifest(version, sums))
const names = readdirSync(folder)
  .filter((name) => name !== 'SHA256SUMS')
  .sort()
writeFileSync(join(folder, 'SHA256SUMS'), names.map((name) => `${sumOf(name)}  ${name}\n`).join(''))
process.stdout.write(`${archives.length} archives: ${archives.join(', ')}\n`)
