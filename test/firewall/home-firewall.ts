import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import type { HostFirewall } from '../../src/firewall/file/host-firewall.ts'

/** The text of examples/home.yaml. */
const homeFile = (): string => readFileSync(join(import.meta.dirname, '../../examples/home.yaml'), 'utf8')

/** The firewall of examples/home.yaml, with parts of its spec replaced. */
export const homeFirewall = (spec: Partial<HostFirewall['spec']> = {}): HostFirewall => {
  const firewall = parseHostFirewall(homeFile(), 'home.yaml')
  return { ...firewall, spec: { ...firewall.spec, ...spec } }
}
