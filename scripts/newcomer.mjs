/**
 * What the README tells a newcomer to type, typed in two empty roots: one with Node.js, npm and a shell, one with kubectl, the single file and a shell. Writes
 * test/evidence/newcomer.txt. Needs root on Linux (chroot); the kubectl and the single file come by KUBECTL and CALICO_FW_BINARY.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const needed = (name) => {
  const value = process.env[name]
  if (value === undefined || !existsSync(value)) throw new Error(`${name} must name a file`)
  return value
}
const [kubectl, binary] = [needed('KUBECTL'), needed('CALICO_FW_BINARY')]
const lines = []
const say = (text) => {
  lines.push(text)
  process.stdout.write(`${text}\n`)
}

/** Puts a program and the libraries it is linked with into a root. */
const put = (place, program, as = program) => {
  const into = (path, target = path) => {
    mkdirSync(join(place, dirname(target)), { recursive: true })
    copyFileSync(realpathSync(path), join(place, target))
  }
  into(program, as)
  const linked = spawnSync('ldd', [program], { encoding: 'utf8' })
  for (const [, library] of linked.stdout.matchAll(/(\/\S+\.so\S*) \(/g)) into(library)
}

/** An empty root with a shell, names and certificates. */
const emptyRoot = () => {
  const place = mkdtempSync(join(tmpdir(), 'newcomer-'))
  for (const folder of ['bin', 'dev', 'etc', 'tmp', 'home/new', 'usr/bin']) mkdirSync(join(place, folder), { recursive: true })
  put(place, '/bin/sh')
  put(place, '/usr/bin/env')
  execFileSync('mknod', ['-m', '666', join(place, 'dev/null'), 'c', '1', '3'])
  for (const file of ['/etc/resolv.conf', '/etc/hosts', process.env['NODE_EXTRA_CA_CERTS']])
    if (file !== undefined && existsSync(file)) put(place, file)
  const npmrc = join(process.env['HOME'] ?? '', '.npmrc')
  if (existsSync(npmrc)) copyFileSync(npmrc, join(place, 'home/new/.npmrc'))
  return place
}

let failed = false
/** Types a line, and tells how long it took, how it ended and what it said last. */
const type = (place, line, { last = 3, folder = '/home/new' } = {}) => {
  const passed = Object.fromEntries(Object.entries(process.env).filter(([name]) => /^npm_config_|^NODE_EXTRA_CA_CERTS$|_proxy$/i.test(name)))
  const env = { ...passed, HOME: '/home/new', PATH: '/home/new/bin:/bin:/usr/bin', TERM: 'dumb' }
  const began = performance.now()
  const ran = spawnSync('/usr/sbin/chroot', [place, '/bin/sh', '-c', `cd ${folder} && ${line}`], { encoding: 'utf8', env, maxBuffer: 1 << 28 })
  const said = `${ran.stdout}${ran.stderr}`.trimEnd().split('\n').slice(-last)
  failed ||= ran.status !== 0
  say(`$ ${line}\n  ${((performance.now() - began) / 1000).toFixed(1)} s, exit ${ran.status}${said.map((text) => `\n  | ${text}`).join('')}`)
}

const withNode = emptyRoot()
const withFile = emptyRoot()
try {
  say(`Node.js ${process.version}, npm and a shell in an empty root, and the checkout`)
  put(withNode, process.execPath, '/bin/node')
  const npm = join(dirname(realpathSync(process.execPath)), '../lib/node_modules/npm')
  cpSync(npm, join(withNode, 'lib/node_modules/npm'), { recursive: true })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(withNode, 'bin/npm'))
  const checkout = join(withNode, 'home/new/kubectl-calico-fw')
  execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${root}`, checkout])
  rmSync(join(checkout, '.git'), { recursive: true })
  const folder = '/home/new/kubectl-calico-fw'
  type(withNode, 'npm ci', { folder })
  type(withNode, 'npm run demo', { folder, last: 6 })
  type(withNode, 'npm run demo -- --scenario crash', { folder })
  mkdirSync(join(withNode, 'home/new/bin'))
  put(withNode, kubectl, '/bin/kubectl')
  symlinkSync('../kubectl-calico-fw/bin/kubectl-calico_fw.js', join(withNode, 'home/new/bin/kubectl-calico_fw'))
  type(withNode, 'kubectl calico-fw version')

  say('\nkubectl, the single file and a shell in an empty root')
  put(withFile, kubectl, '/bin/kubectl')
  put(withFile, binary, '/home/new/bin/kubectl-calico_fw')
  type(withFile, 'kubectl calico-fw version')
  type(withFile, 'kubectl calico-fw demo', { last: 6 })
  type(withFile, 'kubectl calico-fw demo --scenario lockout')
  type(withFile, 'kubectl calico-fw --help', { last: 2 })
} finally {
  for (const place of [withNode, withFile]) rmSync(place, { recursive: true, force: true })
}
const file = join(root, 'test/evidence/newcomer.txt')

writeFileSync(file, `${lines.join('\n')}\n`)
process.stdout.write(`written to ${file.slice(root.length + 1)}\n`)
process.exit(failed ? 1 : 0)
