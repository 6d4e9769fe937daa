// The C library: one table of prototypes, each bound when it is first called, because loading koffi
// takes time and start-up time counts. No wrapper and no error handling here: every caller
// looks at the result and asks syscall-error.ts. The only file that loads koffi.

import { ToolkitError } from '../base/toolkit-error.ts'
import { supportedArchitectures } from './layouts.ts'
import { type Koffi, loadKoffi } from './load-koffi.ts'

/** An address in this process. */
export type Pointer = bigint | null
/** Memory that C reads or writes. It must live outside the JavaScript heap: use `Buffer.alloc`. */
export type Memory = Buffer | bigint | null
type Strings = readonly (string | null)[]

/** The calls, as they look from here. Integers are numbers, -1 is failure unless said otherwise. */
export interface Libc {
  splice(
    from: number,
    fromOffset: null,
    to: number,
    toOffset: Memory,
    length: number,
    flags: number,
  ): number
  tee(from: number, to: number, length: number, flags: number): number
  epoll_create1(flags: number): number
  epoll_ctl(epoll: number, operation: number, fd: number, event: Memory): number
  epoll_wait(epoll: number, events: Memory, count: number, timeout: number): number
  poll(fds: Memory, count: number, timeout: number): number
  waitid(kind: number, id: number, info: Memory, options: number): number
  pidfd_open(number: number, pid: number, flags: number): number
  pidfd_send_signal(number: number, fd: number, signal: number, info: null, flags: number): number
  ioctl(fd: number, request: number, argument: Memory): number
  fcntl(fd: number, command: number, argument: number): number
  fcntl_lock(fd: number, command: number, lock: Memory): number
  fstatfs(fd: number, found: Memory): number
  close(fd: number): number
  flock(fd: number, operation: number): number
  mkfifo(path: string, mode: number): number
  pipe2(fds: Memory, flags: number): number
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Memory, length: number): number
  connect(fd: number, address: Memory, length: number): number
  getsockname(fd: number, address: Memory, length: Memory): number
  getpeername(fd: number, address: Memory, length: Memory): number
  fchmod(fd: number, mode: number): number
  dup3(from: number, to: number, flags: number): number
  socketpair(domain: number, type: number, protocol: number, fds: Memory): number
  sendmsg(fd: number, message: Memory, flags: number): number
  recvmsg(fd: number, message: Memory, flags: number): number
  getsockopt(fd: number, level: number, name: number, value: Memory, length: Memory): number
  setsockopt(fd: number, level: number, name: number, value: Memory, length: number): number
  prctl_number(option: number, a: number, b: number, c: number, d: number): number
  prctl_memory(option: number, a: Memory, b: number, c: number, d: number): number
  getrlimit(resource: number, limit: Memory): number
  setrlimit(resource: number, limit: Memory): number
  signal(number: number, handler: Pointer): Pointer
  sigemptyset(set: Memory): number
  /** Returns an errno. */
  pthread_sigmask(how: number, set: Memory, old: Memory): number
  execve(path: string, argv: Strings, env: Strings): number
  chroot(path: string): number
  /** Returns an errno, as all posix_spawn functions do. */
  posix_spawn(
    pid: Memory,
    path: string,
    actions: Memory,
    attributes: Memory,
    argv: Strings,
    env: Strings,
  ): number
  posix_spawn_file_actions_init(actions: Memory): number
  posix_spawn_file_actions_destroy(actions: Memory): number
  posix_spawn_file_actions_adddup2(actions: Memory, from: number, to: number): number
  posix_spawn_file_actions_addclose(actions: Memory, fd: number): number
  posix_spawn_file_actions_addchdir_np(actions: Memory, path: string): number
  /** glibc 2.34 and newer. */
  posix_spawn_file_actions_addclosefrom_np(actions: Memory, lowest: number): number
  posix_spawnattr_init(attributes: Memory): number
  posix_spawnattr_setflags(attributes: Memory, flags: number): number
  posix_spawnattr_setsigmask(attributes: Memory, set: Memory): number
  posix_spawnattr_setsigdefault(attributes: Memory, set: Memory): number
  posix_spawnattr_setpgroup(attributes: Memory, group: number): number
  getpwnam(name: string): Pointer
  getpwuid(uid: number): Pointer
  getgrnam(name: string): Pointer
  getgrgid(gid: number): Pointer
  getgrouplist(user: string, gid: number, groups: Memory, count: Memory): number
  gnu_get_libc_version(): string
}

/** Result, arguments, and the symbol where it differs from the name. `p` is a pointer to memory. */
interface Prototype {
  readonly result: string
  readonly takes: readonly string[]
  readonly symbol?: string
}

const p = 'void *'
const strings = 'const char **'

// ioctl, fcntl, prctl and syscall are variadic in C. On the architectures of layouts.ts a call
// with integers and pointers only passes them in the same registers as a fixed prototype does.
const prototypes: { readonly [Name in keyof Libc]: Prototype } = {
  splice: { result: 'long', takes: ['int', p, 'int', p, 'size_t', 'uint'] },
  tee: { result: 'long', takes: ['int', 'int', 'size_t', 'uint'] },
  epoll_create1: { result: 'int', takes: ['int'] },
  epoll_ctl: { result: 'int', takes: ['int', 'int', 'int', p] },
  epoll_wait: { result: 'int', takes: ['int', p, 'int', 'int'] },
  poll: { result: 'int', takes: [p, 'ulong', 'int'] },
  waitid: { result: 'int', takes: ['int', 'uint', p, 'int'] },
  pidfd_open: { result: 'long', takes: ['long', 'int', 'uint'], symbol: 'syscall' },
  pidfd_send_signal: {
    result: 'long',
    takes: ['long', 'int', 'int', p, 'uint'],
    symbol: 'syscall',
  },
  ioctl: { result: 'int', takes: ['int', 'ulong', p] },
  fcntl: { result: 'int', takes: ['int', 'int', 'long'] },
  fcntl_lock: { result: 'int', takes: ['int', 'int', p], symbol: 'fcntl' },
  fstatfs: { result: 'int', takes: ['int', p] },
  close: { result: 'int', takes: ['int'] },
  flock: { result: 'int', takes: ['int', 'int'] },
  mkfifo: { result: 'int', takes: ['str', 'uint'] },
  pipe2: { result: 'int', takes: [p, 'int'] },
  socket: { result: 'int', takes: ['int', 'int', 'int'] },
  bind: { result: 'int', takes: ['int', p, 'uint'] },
  connect: { result: 'int', takes: ['int', p, 'uint'] },
  getsockname: { result: 'int', takes: ['int', p, p] },
  getpeername: { result: 'int', takes: ['int', p, p] },
  fchmod: { result: 'int', takes: ['int', 'uint'] },
  dup3: { result: 'int', takes: ['int', 'int', 'int'] },
  socketpair: { result: 'int', takes: ['int', 'int', 'int', p] },
  sendmsg: { result: 'long', takes: ['int', p, 'int'] },
  recvmsg: { result: 'long', takes: ['int', p, 'int'] },
  getsockopt: { result: 'int', takes: ['int', 'int', 'int', p, p] },
  setsockopt: { result: 'int', takes: ['int', 'int', 'int', p, 'uint'] },
  prctl_number: {
    result: 'int',
    takes: ['int', 'ulong', 'ulong', 'ulong', 'ulong'],
    symbol: 'prctl',
  },
  prctl_memory: { result: 'int', takes: ['int', p, 'ulong', 'ulong', 'ulong'], symbol: 'prctl' },
  getrlimit: { result: 'int', takes: ['int', p] },
  setrlimit: { result: 'int', takes: ['int', p] },
  signal: { result: p, takes: ['int', p] },
  sigemptyset: { result: 'int', takes: [p] },
  pthread_sigmask: { result: 'int', takes: ['int', p, p] },
  execve: { result: 'int', takes: ['str', strings, strings] },
  chroot: { result: 'int', takes: ['str'] },
  posix_spawn: { result: 'int', takes: [p, 'str', p, p, strings, strings] },
  posix_spawn_file_actions_init: { result: 'int', takes: [p] },
  posix_spawn_file_actions_destroy: { result: 'int', takes: [p] },
  posix_spawn_file_actions_adddup2: { result: 'int', takes: [p, 'int', 'int'] },
  posix_spawn_file_actions_addclose: { result: 'int', takes: [p, 'int'] },
  posix_spawn_file_actions_addchdir_np: { result: 'int', takes: [p, 'str'] },
  posix_spawn_file_actions_addclosefrom_np: { result: 'int', takes: [p, 'int'] },
  posix_spawnattr_init: { result: 'int', takes: [p] },
  posix_spawnattr_setflags: { result: 'int', takes: [p, 'short'] },
  posix_spawnattr_setsigmask: { result: 'int', takes: [p, p] },
  posix_spawnattr_setsigdefault: { result: 'int', takes: [p, p] },
  posix_spawnattr_setpgroup: { result: 'int', takes: [p, 'int'] },
  getpwnam: { result: p, takes: ['str'] },
  getpwuid: { result: p, takes: ['uint'] },
  getgrnam: { result: p, takes: ['str'] },
  getgrgid: { result: p, takes: ['uint'] },
  getgrouplist: { result: 'int', takes: ['str', 'uint', p, p] },
  gnu_get_libc_version: { result: 'str', takes: [] },
}

let loadedKoffi: Koffi | undefined
let library: ReturnType<Koffi['load']> | undefined

/** Koffi itself, loaded when first asked for. Only for this folder. */
export function koffi(): Koffi {
  loadedKoffi ??= loadKoffi()
  return loadedKoffi
}

function bind(name: keyof Libc): unknown {
  library ??= openLibrary()
  const { result, takes, symbol } = prototypes[name]
  try {
    return library.func(symbol ?? name, result, [...takes])
  } catch (cause) {
    const message = `the C library has no ${symbol ?? name}()`
    throw unsupported(message, cause)
  }
}

function openLibrary(): ReturnType<Koffi['load']> {
  if (!supportedArchitectures.includes(process.arch)) {
    const message = `the architecture ${process.arch} is not supported`
    throw unsupported(message)
  }
  try {
    return koffi().load('libc.so.6')
  } catch (cause) {
    const hint = 'A 64-bit Linux with the GNU C library is needed; musl is not supported.'
    const message = 'cannot load the C library libc.so.6'
    throw unsupported(message, cause, hint)
  }
}

function unsupported(message: string, cause?: unknown, hint?: string): ToolkitError {
  return new ToolkitError('ERR_KERNEL_UNSUPPORTED', message, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  })
}

/** The C library. A property is bound when it is first read, and stays bound. */
export const libc: Libc = {} as Libc
for (const name of Object.keys(prototypes) as (keyof Libc)[]) {
  Object.defineProperty(libc, name, {
    configurable: true,
    enumerable: true,
    get() {
      const value = bind(name)
      Object.defineProperty(libc, name, { value, enumerable: true })
      return value
    },
  })
}

/** True when the C library has this call. */
export function hasCall(name: keyof Libc): boolean {
  try {
    return libc[name] !== undefined
  } catch {
    return false
  }
}

/** The errno of the last call. Ask at once: any other call may change it. */
export const lastErrno = (): number => koffi().errno()

/** Sets errno to 0, for calls that tell "not found" from "failed" only by it (getpwnam(3)). */
export const clearErrno = (): void => void koffi().errno(0)
