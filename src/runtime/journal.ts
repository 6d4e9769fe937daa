// The state on disk: one append-only file of records, the newest value of a key wins. Safe against
// SIGKILL at any instant, which is what a supervisor meets: a record is one write, a torn one is cut
// off. Not fsynced, because after a power failure no process is left that a record could tell of;
// only compaction is, so that it never trades a good file for an empty one.

import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { MAX_JOURNAL_SLACK_BYTES } from '../base/limits.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import { isErrno } from '../kernel/syscall-error.ts'
import {
  JOURNAL_VERSION,
  looksLikeTornRecord,
  packJournalRecord,
  packJournalVersion,
  salvageJournalRecords,
  unpackJournalRecord,
  unpackJournalVersion,
} from '../protocol/journal-record.ts'

export interface Journal {
  /** What was on disk when it was opened. */
  read(): ReadonlyMap<string, unknown>
  /** What a key holds now. */
  get(key: string): unknown
  /** Throws ERR_STATE_DIRECTORY_FULL or ERR_STATE_DIRECTORY_READ_ONLY; then nothing was changed. */
  put(key: string, value: unknown): void
  remove(key: string): void
  /** What was found damaged, for people. */
  readonly problems: readonly string[]
  close(): void
}

interface Loaded {
  readonly values: Map<string, unknown>
  readonly problems: string[]
}

/** Opens or makes the journal of a state directory. Damage is set aside and told, never fatal. */
export function openJournal(directory: string): Journal {
  const path = `${directory}/journal`
  const { values, problems } = load(directory, path)
  const live = new Map<string, string>()
  for (const [key, value] of values) live.set(key, packJournalRecord({ key, value }))
  let liveBytes = [...live.values()].reduce((sum, line) => sum + line.length, 0)
  let size = 0
  let fd = rewrite()

  /** Everything that counts into a new file, which then takes the old one's name. */
  function rewrite(): number {
    return refusing(path, () => {
      const text = packJournalVersion(JOURNAL_VERSION) + [...live.values()].join('')
      const next = openSync(`${path}.new`, 'w', 0o600)
      try {
        writeWhole(next, text)
        fsyncSync(next)
      } finally {
        closeSync(next)
      }
      renameSync(`${path}.new`, path)
      size = text.length
      return openSync(path, constants.O_WRONLY)
    })
  }

  function writeWhole(target: number, text: string): void {
    const bytes = Buffer.from(text, 'latin1')
    for (let at = 0; at < bytes.length; ) at += writeSync(target, bytes, at, bytes.length - at, at)
  }

  function append(line: string): void {
    try {
      const written = writeSync(fd, line, size, 'latin1')
      if (written !== line.length) throw Object.assign(new Error('short write'), { code: 'ENOSPC' })
    } catch (error) {
      ftruncateSync(fd, size)
      throw stateRefusal(path, error)
    }
    size += line.length
  }

  function compactIfWorthIt(): void {
    if (size < 2 * liveBytes + MAX_JOURNAL_SLACK_BYTES) return
    const old = fd
    fd = rewrite()
    closeSync(old)
  }

  return {
    read: () => values,
    get: (key) => {
      const line = live.get(key)
      return line === undefined ? undefined : unpackJournalRecord(line.slice(0, -1))?.value
    },
    problems,
    put: (key, value) => {
      const line = packJournalRecord({ key, value })
      append(line)
      liveBytes += line.length - (live.get(key)?.length ?? 0)
      live.set(key, line)
      compactIfWorthIt()
    },
    remove: (key) => {
      const old = live.get(key)
      if (old === undefined) return
      append(packJournalRecord({ key, value: null }))
      live.delete(key)
      liveBytes -= old.length
      compactIfWorthIt()
    },
    close: () => closeSync(fd),
  }
}

function load(directory: string, path: string): Loaded {
  const values = new Map<string, unknown>()
  const problems: string[] = []
  refusing(directory, () => mkdirSync(directory, { recursive: true, mode: 0o700 }))
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return { values, problems }
    throw stateRefusal(path, error)
  }
  const lines = text.split('\n')
  const version = unpackJournalVersion(lines[0] ?? '')
  if (version !== null && version > JOURNAL_VERSION) {
    const hint = 'Use that version, or move the state directory away.'
    throw new ToolkitError('ERR_STATE_VERSION', `'${path}' was written by a newer version`, {
      hint,
    })
  }
  const damaged: string[] = []
  // The last piece follows the last newline: empty, or a record that was torn by a death.
  const whole = lines.slice(version === null ? 0 : 1, -1)
  const last = lines.at(-1) ?? ''
  if (!looksLikeTornRecord(last)) whole.push(last)
  const take = (key: string, value: unknown) => {
    if (value === null) values.delete(key)
    else values.set(key, value)
  }
  for (const line of whole) {
    const record = unpackJournalRecord(line)
    if (record !== null) {
      take(record.key, record.value)
      continue
    }
    damaged.push(line)
    for (const { key, value } of salvageJournalRecords(line)) take(key, value)
  }
  if (damaged.length > 0) problems.push(quarantine(directory, path, damaged))
  return { values, problems }
}

function quarantine(directory: string, path: string, damaged: readonly string[]): string {
  const folder = `${directory}/quarantine`
  const file = `${folder}/journal-${Date.now()}.bin`
  const what = `${damaged.length} damaged ${damaged.length === 1 ? 'record' : 'records'} in '${path}'`
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(file, damaged.join('\n'), { encoding: 'latin1', mode: 0o600 })
    return `${what}: moved to '${file}'; continuing with the others`
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return `${what}: could not be set aside (${text}); continuing with the others`
  }
}

function refusing<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw stateRefusal(path, error)
  }
}

/** What a file of the state directory answered, as an error that says what to do. */
export function stateRefusal(path: string, cause: unknown): ToolkitError {
  const isDenied = ['EROFS', 'EACCES', 'EPERM'].some((name) => isErrno(cause, name))
  const code = isDenied ? 'ERR_STATE_DIRECTORY_READ_ONLY' : 'ERR_STATE_DIRECTORY_FULL'
  const text = cause instanceof Error ? cause.message : String(cause)
  const hint = isDenied
    ? 'Make the state directory writable, or set EUDAEMON_HOME to a folder that is.'
    : 'Make room on its file system; nothing new is started until a record can be written.'
  return new ToolkitError(code, `cannot write '${path}': ${text}`, {
    context: { path },
    hint,
    cause,
  })
}
