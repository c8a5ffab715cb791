// The packages a bundle is made of, with their licences.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folderOf = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//

/** Every package one of these files belongs to, by name and version. */
export const packagesIn = (inputs) => {
  const folders = new Set(inputs.flatMap((input) => folderOf.exec(input)?.[1] ?? []))
  return [...folders]
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
      const [file] = readdirSync(join(root, folder), { withFileTypes: true }).flatMap((one) =>
        one.isFile() && /^(licen[cs]e|copying)/i.test(one.name) ? [one.name] : [],
      )
      return { name, version, license, text: file === undefined ? undefined : readFileSync(join(root, folder, file), 'utf8').trim() }
    })
    .sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : one.version < other.version ? -1 : 1))
}

/** THIRD_PARTY_NOTICES: who made what is inside, and under what terms. */
export const noticesOf = (packages, { version, licensePath }) => {
  const node = existsSync(licensePath) ? readFileSync(licensePath, 'utf8').trim() : `see https://github.com/nodejs/node/blob/${version}/LICENSE`
  const parts = [
    { title: `Node.js ${version}`, text: node },
    ...packages.map(({ name, version: of, license, text }) => ({ title: `${name} ${of} (${license})`, text: text ?? `License: ${license}` })),
  ]
  return `${parts.map(({ title, text }) => `${title}\n${'-'.repeat(title.length)}\n\n${text}`).join('\n\n\n')}\n`
}

/** A CycloneDX bill of materials; no time and no serial number, so that two builds give the same bytes. */
export const sbomOf = (packages, { version, runtime }) =>
  `${JSON.stringify(
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.5',
      version: 1,
      metadata: {
        component: {
          type: 'application',
          name: 'kubectl-calico-fw',
          version,
          purl: `pkg:npm/kubectl-calico-fw@${version}`,
          licenses: [{ license: { id: 'Apache-2.0' } }],
        },
      },
      components: [
        {
          type: 'platform',
          name: 'node',
          version: runtime.replace(/^v/, ''),
          purl: `pkg:generic/node@${runtime.replace(/^v/, '')}`,
          licenses: [{ license: { id: 'MIT' } }],
        },
        ...packages.map(({ name, version: of, license }) => ({
          type: 'library',
          name,
          version: of,
          purl: `pkg:npm/${name.replace('@', '%40')}@${of}`,
          licenses: [{ license: { id: license } }],
        })),
      ],
    },
    null,
    2,
  )}\n`
