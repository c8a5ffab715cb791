// Archives with the same bytes for the same files: no times, no owners.
import { gzipSync, zipSync } from 'fflate'

const blockSize = 512
/** fflate refuses years before 1980, which is where zip's clock begins. */
const epoch = new Date('1980-01-01T00:00:00Z')

const octal = (value, length) => `${value.toString(8).padStart(length - 1, '0')}\0`

/** One header of ustar, POSIX.1-1988: enough for a few files with short names. */
const headerOf = (name, size, mode) => {
  if (Buffer.byteLength(name) > 100) throw new Error(`${name} is too long for this archive`)
  const header = Buffer.alloc(blockSize)
  header.write(name, 0)
  header.write(octal(mode, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(size, 12), 124)
  header.write(octal(0, 12), 136)
  header.write(' '.repeat(8), 148)
  header.write('0', 156)
  header.write('ustar\0', 257)
  header.write('00', 263)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** Files are `{ name, content, mode }`. */
export const tarGz = (files) => {
  const blocks = files.flatMap(({ name, content, mode }) => [
    headerOf(name, content.length, mode),
    content,
    Buffer.alloc((blockSize - (content.length % blockSize)) % blockSize),
  ])
  return Buffer.from(gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * blockSize)]), { level: 9, mtime: 0 }))
}

export const zip = (files) =>
  Buffer.from(
    zipSync(Object.fromEntries(files.map(({ name, content, mode }) => [name, [content, { level: 9, mtime: epoch, os: 3, attrs: mode << 16 }]]))),
  )
