// docs/demo.svg: the demo as it runs without a terminal, which test/commands/demo.test.ts holds to its words, line by line at the pace it came: npm run record-demo
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [columns, rows, lineHeight, charWidth, padding] = [92, 26, 18, 8.4, 16]
/** Waits longer than this are cut: a reader has seen that something takes its time. */
const longestMs = 900
const holdMs = 4_000

const record = () =>
  new Promise((resolve, reject) => {
    const lines = []
    const child = spawn(process.execPath, [join(root, 'bin/kubectl-calico_fw.js'), 'demo'], {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let rest = ''
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop()
      for (const text of parts) lines.push({ at: performance.now(), text: text.trimEnd() })
    })
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(lines) : reject(new Error(`the demo exits ${code}`))))
  })

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Colours as the terminal has them. */
const coloured = (text) =>
  escaped(text)
    .replaceAll(/\bTIMEOUT\b/g, '<tspan class="r">TIMEOUT</tspan>')
    .replaceAll(/\bOPEN\b/g, '<tspan class="g">OPEN</tspan>')
    .replaceAll(/^(\s*)(✔|√)/g, '$1<tspan class="g">$2</tspan>')
    .replaceAll(/^\?/g, '<tspan class="c">?</tspan>')
    .replaceAll(/(\[\d\/\d\] .*)$/g, '<tspan class="b">$1</tspan>')

const svgOf = (lines) => {
  let time = 0
  const shown = lines.map(({ at, text }, index) => {
    time += Math.min(longestMs, Math.max(75, index === 0 ? 0 : at - lines[index - 1].at))
    return { time, text: text.length > columns ? `${text.slice(0, columns - 1)}…` : text }
  })
  const total = time + holdMs
  const frames = shown.flatMap(({ time: when }, index) => {
    const up = (rows - 1 - index) * lineHeight
    return [`${((when / total) * 100).toFixed(3)}%{transform:translateY(${up}px)}`]
  })
  const [width, height] = [Math.round(columns * charWidth + 2 * padding), rows * lineHeight + 2 * padding]
  return `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="kubectl calico-fw demo: nodes are closed, one port is opened, everything is rolled back">
<style>
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d6deeb;white-space:pre}.g{fill:#7fdb8b}.r{fill:#ff6b6b}.c{fill:#5cc8ff}.b{fill:#ffffff;font-weight:bold}
#s{animation:s ${(total / 1000).toFixed(1)}s step-end infinite}@keyframes s{0%{transform:translateY(${rows * lineHeight}px)}${frames.join('')}100%{transform:translateY(${(rows - shown.length) * lineHeight}px)}}
@media (prefers-reduced-motion:reduce){#s{animation:none;transform:translateY(${(rows - shown.length) * lineHeight}px)}}
</style>
<rect width="100%" height="100%" rx="8" fill="#0b1722"/><clipPath id="w"><rect x="0" y="${padding}" width="${width}" height="${rows * lineHeight}"/></clipPath>
<g clip-path="url(#w)"><g id="s">
${shown.map(({ text }, index) => `<text x="${padding}" y="${padding + index * lineHeight + 14}">${coloured(text)}</text>`).join('\n')}
</g></g></svg>
`
}

const prompt = { at: 0, text: '$ kubectl calico-fw demo' }
const lines = await record()
writeFileSync(join(root, 'docs/demo.svg'), svgOf([{ ...prompt, at: lines[0].at - 600 }, ...lines]))
process.stdout.write(`docs/demo.svg: ${lines.length} lines\n`)
