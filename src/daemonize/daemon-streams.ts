// Standard input, output and error of a daemon, and our view of them while it starts. A stream that
// goes to a file is read there; one that goes nowhere, or to syslog, is a pipe, whose reading end
// is handed to a drain when we leave (drain.ts).

import {
  constants,
  type FSWatcher,
  fchownSync,
  fstatSync,
  openSync,
  readSync,
  watch,
} from 'node:fs'
import { type Fd, toFd } from '../base/brands.ts'
import { MAX_RELAY_READ_BYTES } from '../base/limits.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { closeFd, setNonBlocking } from '../kernel/fd.ts'
import { createPipe } from '../kernel/fifo.ts'
import { POLLIN, type Poller } from '../kernel/poll.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import type { DaemonRequest, StreamTarget } from './daemon-request.ts'
import type { InheritedFile } from './spawn-orphan.ts'

export type WatchedStream = 'stdout' | 'stderr'

export interface StreamListener {
  readonly onBytes: (stream: WatchedStream, bytes: Uint8Array) => void
  /** Every writer has closed it. Never said of a file. */
  readonly onEnd: (stream: WatchedStream) => void
}

/** A pipe that still has writers when we leave, and where what comes is to go. */
export interface OpenPipe {
  readonly stream: WatchedStream
  readonly target: StreamTarget
  readonly reader: Fd
}

export interface DaemonStreams {
  readonly files: readonly InheritedFile[]
  /** After the spawn: closes our copies of the daemon's ends, and listens. */
  listen(poller: Poller, listener: StreamListener): void
  /** Reads what is there now. */
  flush(): void
  /** Stops listening; the pipes that are not at their end are the caller's from then on. */
  leave(): readonly OpenPipe[]
}

interface Source {
  readonly stream: WatchedStream
  readonly target: StreamTarget
  readonly reader: Fd
  readonly isPipe: boolean
  /** Null: nothing there now. Empty: the end. */
  readonly read: () => Uint8Array | null
}

/** Throws a ToolkitError for a file that cannot be opened. */
export function openStreams(
  request: Pick<DaemonRequest, 'stdin' | 'stdout' | 'stderr' | 'credentials'>,
  watched: ReadonlySet<WatchedStream>,
): DaemonStreams {
  const files: InheritedFile[] = []
  const sources: Source[] = []
  const own: Fd[] = []
  const give = (fd: Fd, to: number): void => {
    own.push(fd)
    files.push({ from: fd, to })
  }
  give(open(request.stdin, 'standard input', constants.O_RDONLY), 0)
  for (const [stream, to] of [
    ['stdout', 1],
    ['stderr', 2],
  ] as const) {
    const target = request[stream]
    if (target.kind === 'fd') {
      files.push({ from: toFd(target.fd), to })
      continue
    }
    if (target.kind === 'file') {
      const fd = openForAppending(target.path, stream)
      give(fd, to)
      const tail = watched.has(stream) ? openTail(target.path, fd) : null
      if (tail !== null) sources.push({ stream, target, isPipe: false, ...tail })
      continue
    }
    if (target.kind === 'null' && !watched.has(stream)) {
      give(open('/dev/null', stream, constants.O_RDWR), to)
      continue
    }
    const { reader, writer } = createPipe()
    setNonBlocking(reader, true)
    // So that the daemon can open /dev/stderr as the user it runs as.
    if (request.credentials !== null) {
      fchownSync(writer, request.credentials.uid, request.credentials.gid)
    }
    give(writer, to)
    sources.push({ stream, target, reader, isPipe: true, read: () => readSome(reader, null) })
  }
  return watchSources(files, sources, own)
}

function watchSources(
  files: readonly InheritedFile[],
  sources: readonly Source[],
  own: readonly Fd[],
): DaemonStreams {
  const atEnd = new Set<Source>()
  const watchers: FSWatcher[] = []
  let look: (source: Source) => void = () => {}
  let stop: (source: Source) => void = () => {}
  return {
    files,
    listen: (poller, { onBytes, onEnd }) => {
      for (const fd of own) closeFd(fd)
      look = (source) => {
        while (!atEnd.has(source)) {
          const bytes = source.read()
          if (bytes === null) return
          if (bytes.length > 0) onBytes(source.stream, bytes)
          else if (source.isPipe) {
            atEnd.add(source)
            poller.remove(source.reader)
            onEnd(source.stream)
          } else return
        }
      }
      stop = (source) => {
        if (source.isPipe && !atEnd.has(source)) poller.remove(source.reader)
      }
      for (const source of sources) {
        if (source.isPipe) poller.add(source.reader, POLLIN, () => look(source))
        else if (source.target.kind === 'file') {
          const watcher = watch(source.target.path, () => look(source))
          // The file may be taken away while we look on; what is open stays readable.
          watcher.on('error', () => watcher.close())
          watchers.push(watcher)
        }
      }
    },
    flush: () => {
      for (const source of sources) look(source)
    },
    leave: () => {
      for (const watcher of watchers) watcher.close()
      const left: OpenPipe[] = []
      for (const source of sources) {
        stop(source)
        const { stream, target, reader, isPipe } = source
        if (isPipe && !atEnd.has(source)) left.push({ stream, target, reader })
        else closeFd(reader)
      }
      return left
    },
  }
}

const buffer = Buffer.alloc(MAX_RELAY_READ_BYTES)

function readSome(reader: Fd, position: number | null): Uint8Array | null {
  try {
    const length = readSync(reader, buffer, 0, buffer.length, position)
    return Uint8Array.prototype.slice.call(buffer, 0, length)
  } catch (error) {
    if (isErrno(error, 'EAGAIN')) return null
    throw error
  }
}

function openForAppending(path: string, stream: WatchedStream): Fd {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT
  return open(path, stream === 'stdout' ? 'standard output' : 'standard error', flags)
}

function open(path: string, what: string, flags: number): Fd {
  try {
    return toFd(openSync(path, flags | constants.O_NOCTTY, 0o640))
  } catch (cause) {
    throw refusal(path, what, cause)
  }
}

function refusal(path: string, what: string, cause: unknown): ToolkitError {
  const message = `cannot open '${path}' as ${what}: ${String(cause)}`
  return new ToolkitError('ERR_DAEMON_STREAM', message, { context: { path }, cause })
}

/** Reads behind what is there already; null for what is no regular file or not readable for us. */
function openTail(path: string, fd: Fd): Pick<Source, 'reader' | 'read'> | null {
  if (!fstatSync(fd).isFile()) return null
  let position = fstatSync(fd).size
  try {
    const reader = toFd(openSync(path, constants.O_RDONLY))
    return {
      reader,
      read: () => {
        const bytes = readSome(reader, position)
        position += bytes?.length ?? 0
        return bytes
      },
    }
  } catch (error) {
    if (isErrno(error, 'EACCES') || isErrno(error, 'ENOENT')) return null
    throw error
  }
}
