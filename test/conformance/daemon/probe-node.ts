// The probe as a Node program: the same report, the same orders (see probe.c), from inside of a
// Node process that goes on living. What Node holds for itself (descriptors that are closed on
// exec, two ignored signals) is reported as it is.
//
// Used by probe-node-program.ts and probe-self-daemon.ts.

import {
  closeSync,
  constants,
  createReadStream,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { getPriority, constants as systemConstants } from 'node:os'
import type { Descriptor, ProbeReport } from './probe-report.ts'

const LIFE_MS = 180_000
const LAST_SIGNAL = 64
const O_CLOEXEC = 0o2000000

/** What can be caught; SIGUSR1 would start the debugger otherwise. */
const counted: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGTERM']

const limitNames: Readonly<Record<string, string>> = {
  'Max address space': 'as',
  'Max core file size': 'core',
  'Max cpu time': 'cpu',
  'Max data size': 'data',
  'Max file size': 'fsize',
  'Max open files': 'nofile',
  'Max processes': 'nproc',
  'Max stack size': 'stack',
}

type State = Omit<
  ProbeReport,
  'parent' | 'group' | 'session' | 'terminal' | 'devTty' | 'opening' | 'terminalAfterOpening'
>

function takeState(): State {
  const status = readFileSync('/proc/self/status', 'utf8')
  const field = (name: string): string =>
    new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(status)?.[1] ?? ''
  const numbers = (name: string): readonly number[] =>
    field(name).split(/\s+/).filter(Boolean).map(Number)
  return {
    program: 'node',
    pid: process.pid,
    firstParent: process.ppid,
    blocked: readMask(field('SigBlk')),
    pending: readMask(field('ShdPnd')),
    ignored: readMask(field('SigIgn')),
    caught: readMask(field('SigCgt')),
    descriptors: readDescriptors(),
    umask: Number.parseInt(field('Umask'), 8),
    directory: readlinkSync('/proc/self/cwd'),
    root: readlinkSync('/proc/self/root'),
    isDirectoryDeleted: statSync('/proc/self/cwd').nlink === 0,
    uids: numbers('Uid').slice(0, 3),
    gids: numbers('Gid').slice(0, 3),
    groups: numbers('Groups'),
    limits: readLimits(),
    noNewPrivileges: Number(field('NoNewPrivs')),
    nice: getPriority(),
    scheduler: Number(readStat()[38]),
    environment: Object.entries(process.env).map(([name, value]) => `${name}=${value}`),
  }
}

function readMask(hex: string): readonly number[] {
  const mask = BigInt(`0x${hex}`)
  return Array.from({ length: LAST_SIGNAL }, (_, at) => at + 1).filter(
    (signal) => ((mask >> BigInt(signal - 1)) & 1n) === 1n,
  )
}

function readDescriptors(): readonly Descriptor[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [readDescriptor(Number(name))]
    } catch {
      // The one that listed the folder is closed.
      return []
    }
  })
}

function readDescriptor(fd: number): Descriptor {
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
  const flags = Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)?.[1] ?? '', 8)
  const access = (['read', 'write', 'both', 'none'] as const)[flags & 3] ?? 'none'
  return {
    fd,
    access,
    append: (flags & constants.O_APPEND) !== 0,
    closeOnExec: (flags & O_CLOEXEC) !== 0,
    offset: Number(/^pos:\s*(\d+)$/m.exec(info)?.[1]),
    inode: statSync(`/proc/self/fd/${fd}`).ino,
    target: readlinkSync(`/proc/self/fd/${fd}`),
  }
}

function readLimits(): ProbeReport['limits'] {
  const parse = (text = ''): number | null => (text === 'unlimited' ? null : Number(text))
  const lines = readFileSync('/proc/self/limits', 'utf8').matchAll(/^(Max .*?) {2,}(\S+) +(\S+)/gm)
  return Object.fromEntries(
    [...lines].flatMap(([, title = '', soft, hard]) => {
      const name = limitNames[title]
      return name === undefined ? [] : [[name, [parse(soft), parse(hard)] as const]]
    }),
  )
}

/** The fields of /proc/self/stat behind the name: state, parent, group, session, terminal... */
function readStat(): readonly string[] {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function tryToOpen(path: string): string {
  try {
    // Without O_NOCTTY, as most programs open what they are told to.
    closeSync(openSync(path, constants.O_RDWR))
    return 'opened'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

function look(state: State, folder: string): ProbeReport {
  const [, , group, session, terminal] = readStat().map(Number)
  return {
    ...state,
    parent: process.ppid,
    group: group ?? -1,
    session: session ?? -1,
    terminal: terminal ?? -1,
    devTty: tryToOpen('/dev/tty'),
    opening: tryToOpen(readFileSync(`${folder}/tty`, 'utf8')),
    terminalAfterOpening: Number(readStat()[4]),
  }
}

/** Appears whole. */
function write(folder: string, name: string, content: unknown): void {
  writeFileSync(`${folder}/writing`, JSON.stringify(content), { mode: 0o644 })
  renameSync(`${folder}/writing`, `${folder}/${name}`)
}

/** Obeys the orders in DIR/control until it is ended; the state is that of the call. */
export function obeyOrders(folder: string): void {
  const state = takeState()
  const counts = new Map<number, number>()
  const count = (signal: NodeJS.Signals): void => {
    const number = systemConstants.signals[signal]
    counts.set(number, (counts.get(number) ?? 0) + 1)
    if (signal === 'SIGUSR1') answer()
  }
  const answer = (): void => write(folder, 'counters', Object.fromEntries(counts))
  const orders: Readonly<Record<string, () => void>> = {
    r: () => write(folder, 'report', look(state, folder)),
    h: () => {
      for (const signal of counted) process.on(signal, count)
      answer()
    },
    d: () => {
      for (const signal of counted) process.off(signal, count)
      answer()
    },
    q: () => process.exit(0),
  }
  const fd = openSync(`${folder}/control`, constants.O_RDWR)
  createReadStream('', { fd, encoding: 'latin1' }).on('data', (letters) => {
    for (const letter of String(letters)) orders[letter]?.()
  })
  setTimeout(() => process.exit(75), LIFE_MS)
  write(folder, 'started', process.pid)
}

/** Says on the file system that it is ready, with the time. */
export function writeReady(folder: string): void {
  writeFileSync(`${folder}/ready`, String(process.hrtime.bigint()))
}
