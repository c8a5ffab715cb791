// Node's single executable applications (SEA): the program as a blob inside a copy of Node.
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'postject'

/** The marker every Node since 20 carries, flipped where a blob is inside. */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** Young objects get 4 MB instead of 16: a program of seconds never needs them, and has them in memory three times. Other flags would make V8 refuse the code cache. */
const heap = ['--max-semi-space-size=4']

export const versionOf = (node) => execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()

/**
 * Makes `out`: `runtime`, a Node binary of the platform, with `code` inside. `host` is a Node of the very same version that runs here; V8's code cache is for the
 * machine that made it, so only where both are one is it put in.
 */
export const makeExecutable = async ({ code, runtime, host, platform, out }) => {
  const work = mkdtempSync(join(tmpdir(), 'calico-fw-binary-'))
  try {
    const [main, config, blob] = ['main.cjs', 'sea.json', 'sea.blob'].map((name) => join(work, name))
    writeFileSync(main, code)
    const isNative = runtime === host
    writeFileSync(
      config,
      JSON.stringify({
        ...{ main: 'main.cjs', output: 'sea.blob', disableExperimentalSEAWarning: true, useSnapshot: false },
        useCodeCache: isNative,
        execArgv: heap,
      }),
    )
    // Relative paths: where it was built does not stand in the result.
    execFileSync(host, ['--experimental-sea-config', 'sea.json'], { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] })
    copyFileSync(runtime, out)
    chmodSync(out, 0o755)
    if (isNative && process.platform === 'linux') execFileSync('strip', ['-s', out])
    if (platform === 'darwin' && process.platform === 'darwin') execFileSync('codesign', ['--remove-signature', out])
    await inject(out, 'NODE_SEA_BLOB', readFileSync(blob), {
      sentinelFuse: fuse,
      ...(platform === 'darwin' ? { machoSegmentName: 'NODE_SEA' } : {}),
    })
    // Apple's processors run nothing that is not signed; an ad-hoc signature is enough where no certificate is.
    if (platform === 'darwin' && process.platform === 'darwin') execFileSync('codesign', ['--sign', '-', out])
    chmodSync(out, 0o755)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
