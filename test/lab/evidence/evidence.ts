import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism, release } from 'node:os'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findBinaries } from '../binaries.ts'
import { down, type Lab } from '../lab.ts'
import { requireMachine } from '../machine/requirements.ts'
import { run } from '../machine/run.ts'
import { defaultDir, stateDir } from '../machine/state.ts'
import { defaultVariant, parseVariant, variantName } from '../options.ts'
import { builtControlPlane, namespacePrefix } from '../place.ts'
import { type Page, pageOf, seconds } from '../proofs/page.ts'
import { up } from '../up.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * Runs one script of evidence: a lab of the variant its flags name comes up, the proof works on it, the lab goes down, and what was seen is
 * written beside the script. Exits 1 where a claim did not hold.
 */
export const evidence = async (name: string, title: string, nodes: number, prove: (lab: Lab, page: Page) => Promise<void>): Promise<never> => {
  requireMachine(process.platform, process.getuid?.())
  const flags = process.argv.slice(2)
  const variant = parseVariant(flags.includes('--nodes') ? flags : [...flags, '--nodes', `${nodes}`])
  const state = stateDir(defaultDir(process.env))
  const binaries = findBinaries(process.env, builtControlPlane(process.env))
  const text: string[] = []
  const clean = (line: string) => line.replaceAll(state.path, 'LAB').replaceAll(root, '')
  const page = pageOf((line) => {
    text.push(clean(line))
    process.stdout.write(`${clean(line)}\n`)
  })
  const began = performance.now()
  const lab = await up(state, variant, binaries, namespacePrefix(process.env))
  try {
    page.say(`${title}\n${await headerOf(lab)}\n`)
    await prove(lab, page)
  } catch (error) {
    page.fact('the script went through', false, error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    lab.api.close()
    if (process.env['LAB_KEEP'] === undefined) await down(state)
  }
  page.say(`\n${page.held()} claims hold, ${page.failed().length} do not; ${seconds(performance.now() - began)} from start to end`)
  const plain = variantName({ ...variant, nodes }) === variantName({ ...defaultVariant, nodes })
  const file = fileURLToPath(new URL(`./${name}${plain ? '' : `-${variantName(variant)}`}.txt`, import.meta.url))
  writeFileSync(file, `${text.join('\n')}\n`)
  process.stdout.write(`written to ${basename(file)}\n`)
  process.exit(page.failed().length === 0 ? 0 : 1)
}

const headerOf = async (lab: Lab): Promise<string> => {
  const kubernetes = ((await lab.api.request('GET', '/version')).body as { gitVersion: string }).gitVersion
  const felix = lab.binaries.felix === undefined ? 'none' : (await run([lab.binaries.felix, '--version'])).trim()
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
  const edited = git('status', '--porcelain', '--', 'src', 'bin', 'examples') === '' ? '' : ', with edits not committed'
  return [
    `${variantName(lab.variant)}; Kubernetes ${kubernetes}, Felix ${/v?\d+\.\d+\.\d+\S*/.exec(felix)?.[0] ?? felix}, kernel ${release().split('-')[0]}, Node.js ${process.version}, ${availableParallelism()} cores`,
    `commit ${git('rev-parse', '--short', 'HEAD')}${edited}, ${new Date().toISOString().slice(0, 16)}Z`,
  ].join('\n')
}
