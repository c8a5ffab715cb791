// The krew manifest of a release: the template in the top folder, filled.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** `sums` gives each platform's sha256 by `linux_amd64`; a platform without one is left out. */
export const krewManifest = (version, sums, template = readFileSync(join(root, 'krew-manifest.yaml'), 'utf8')) => {
  const [head, ...platforms] = template.replace(/^#.*\n/, '').split(/^(?= {2}- selector:)/m)
  const known = platforms.filter((text) => Object.keys(sums).some((platform) => text.includes(`.Sha256.${platform} `)))
  const text = [head, ...known]
    .join('')
    .replaceAll('{{ .Version }}', version)
    .replaceAll(/\{\{ \.Sha256\.(\w+) \}\}/g, (_, platform) => sums[platform])
  if (text.includes('{{')) throw new Error('the template has a field nobody fills')
  return text
}
