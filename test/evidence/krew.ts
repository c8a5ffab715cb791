/**
 * The plugin by a real krew and a real kubectl, in a home of its own: node scripts/run-ts.mjs test/evidence/krew.ts FOLDER
 * FOLDER is what npm run build:binary wrote. KREW and VALIDATE_KREW_MANIFEST are krew's programs, KUBECTL is kubectl. The validator's download comes from loopback.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'

const folder = resolve(process.argv[2] ?? 'dist/release')
const program = (name: string): string => {
  const path = process.env[name]
  if (path === undefined) throw new Error(`${name} is not set`)
  return resolve(path)
}
const [krew, validator, kubectl] = [program('KREW'), program('VALIDATE_KREW_MANIFEST'), program('KUBECTL')]
const home = mkdtempSync(join(tmpdir(), 'calico-fw-krew-'))
const lines: string[] = []
const say = (line: string): void => {
  lines.push(line)
  process.stdout.write(`${line}\n`)
}
const bin = join(home, 'bin')
mkdirSync(bin)
symlinkSync(kubectl, join(bin, 'kubectl'))
symlinkSync(krew, join(bin, 'kubectl-krew'))
const env = { HOME: home, KREW_ROOT: join(home, 'krew'), PATH: `${join(home, 'krew', 'bin')}:${bin}:/usr/bin:/bin` }

/** Runs a command as it is written down; what it prints is written down too, without the folders of this machine. */
const run = (text: string, argv: readonly string[]): string => {
  const [file = '', ...rest] = argv
  const { status, stdout, stderr } = spawnSync(file, rest, { env, encoding: 'utf8' })
  const clean = (output: string): string =>
    output
      .replaceAll(folder, '.')
      .replaceAll(home, '~')
      .replace(/^I\d+ [^ ]+ +\d+ /gm, '')
      .replace(/krew-test\d+/g, 'krew-test')
      .trimEnd()
  say(`$ ${text}`)
  for (const output of [stdout, stderr]) if (output.trim() !== '') say(clean(output))
  say(`  exit ${status}\n`)
  if (status !== 0) process.exitCode = 1
  return stdout
}

const archive = 'kubectl-calico_fw_linux_amd64.tar.gz'
run('kubectl version --client', [kubectl, 'version', '--client'])
run(`kubectl krew install --manifest=calico-fw.yaml --archive=${archive}`, [
  kubectl,
  'krew',
  'install',
  `--manifest=${join(folder, 'calico-fw.yaml')}`,
  `--archive=${join(folder, archive)}`,
])
run('kubectl calico-fw version', [kubectl, 'calico-fw', 'version'])
const shim = run('kubectl calico-fw completion > kubectl_complete-calico_fw', [kubectl, 'calico-fw', 'completion'])
writeFileSync(join(bin, 'kubectl_complete-calico_fw'), shim)
chmodSync(join(bin, 'kubectl_complete-calico_fw'), 0o755)
run('kubectl __complete calico-fw ro', [kubectl, '__complete', 'calico-fw', 'ro'])
run('kubectl __complete calico-fw init --node', [kubectl, '__complete', 'calico-fw', 'init', '--node'])

// In a thread of its own: the validator is waited for in this one.
const serve = `const { createServer } = require('node:http'); const { createReadStream } = require('node:fs'); const { parentPort, workerData } = require('node:worker_threads');
const server = createServer((request, response) => createReadStream(workerData + request.url).on('error', () => response.writeHead(404).end()).pipe(response)).listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`
const worker = new Worker(serve, { eval: true, workerData: folder })
const port = await new Promise<number>((received) => worker.once('message', received))
const manifest = readFileSync(join(folder, 'calico-fw.yaml'), 'utf8').replaceAll(
  /https:\/\/\S+\/(?=[^/\s]+\.(tar\.gz|zip))/g,
  `http://127.0.0.1:${port}/`,
)
const copy = join(home, 'calico-fw.yaml')
writeFileSync(copy, manifest)
run('validate-krew-manifest -manifest calico-fw.yaml -v 2', [validator, '-manifest', copy, '-v', '2'])
await worker.terminate()
writeFileSync(new URL('./krew.txt', import.meta.url), `${lines.join('\n')}\n`.replaceAll(`127.0.0.1:${port}`, '127.0.0.1'))
rmSync(home, { recursive: true, force: true })
process.exit()
