// Standard output and standard error, written at once: no stream objects, which cost more to set up
// than the answer to most commands.

import { fs } from './builtin.ts'
import type { Screen } from './deps.ts'

const RETRY_MS = 5
const sleeper = new Int32Array(new SharedArrayBuffer(4))

export function openScreen(fd: 1 | 2, env: Readonly<Record<string, string | undefined>>): Screen {
  const isTerminal = isTerminalFd(fd)
  let isBroken = false

  function write(text: string | Uint8Array): boolean {
    let rest = typeof text === 'string' ? Buffer.from(text) : text
    while (rest.length > 0 && !isBroken) {
      try {
        rest = rest.subarray(fs.writeSync(fd, rest))
      } catch (error) {
        const code = error instanceof Error ? Reflect.get(error, 'code') : undefined
        // Somebody made the other end non-blocking and does not read just now.
        if (code === 'EAGAIN') Atomics.wait(sleeper, 0, 0, RETRY_MS)
        else isBroken = true
      }
    }
    return !isBroken
  }

  return {
    isTerminal,
    hasColour: isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    get columns() {
      const stream = fd === 1 ? process.stdout : process.stderr
      return (isTerminal && stream.columns) || 80
    },
    write,
  }
}

/** A character device is a terminal or /dev/null; only then it is worth to load node:tty. */
function isTerminalFd(fd: number): boolean {
  try {
    if (!fs.fstatSync(fd).isCharacterDevice()) return false
  } catch {
    return false
  }
  return process.getBuiltinModule('node:tty').isatty(fd)
}
