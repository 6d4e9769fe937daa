// Users and groups by name, through the C library, so that every source in /etc/nsswitch.conf
// counts. Nothing is spawned. A lookup blocks when the answer comes from a network (LDAP).

import { MAX_GROUPS_OF_USER } from '../base/limits.ts'
import { layouts } from './layouts.ts'
import { clearErrno, koffi, lastErrno, libc, type Pointer } from './libc.ts'
import { errnos, KernelError, refuseNul } from './syscall-error.ts'

export interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
}

export interface Group {
  readonly name: string
  readonly gid: number
}

/** The errnos with which the sources say "there is none" (getpwnam(3), ERRORS). */
const absent: readonly number[] = [0, errnos.ENOENT, errnos.ESRCH, errnos.EBADF, errnos.EPERM]

/** By name; when no user has that name and it is a number, by uid. Null when there is none. */
export function findUser(nameOrNumber: string): User | null {
  refuseNul(nameOrNumber, 'getpwnam')
  const entry = lookUp('getpwnam', () => libc.getpwnam(nameOrNumber))
  if (entry !== null) return readUser(entry)
  const uid = parseId(nameOrNumber)
  if (uid === null) return null
  const byNumber = lookUp('getpwuid', () => libc.getpwuid(uid))
  return byNumber === null ? null : readUser(byNumber)
}

/** By name; when no group has that name and it is a number, by gid. Null when there is none. */
export function findGroup(nameOrNumber: string): Group | null {
  refuseNul(nameOrNumber, 'getgrnam')
  const entry = lookUp('getgrnam', () => libc.getgrnam(nameOrNumber))
  if (entry !== null) return readGroup(entry)
  const gid = parseId(nameOrNumber)
  if (gid === null) return null
  const byNumber = lookUp('getgrgid', () => libc.getgrgid(gid))
  return byNumber === null ? null : readGroup(byNumber)
}

/** Every group that the user is a member of, the primary one included (getgrouplist(3)). */
export function groupsOf(user: User): readonly number[] {
  const count = Buffer.alloc(4)
  for (let room = 64; room <= MAX_GROUPS_OF_USER; room *= 4) {
    const groups = Buffer.alloc(room * 4)
    count.writeInt32LE(room, 0)
    if (libc.getgrouplist(user.name, user.gid, groups, count) === -1) continue
    return Array.from({ length: count.readInt32LE(0) }, (_, at) => groups.readUInt32LE(at * 4))
  }
  throw new KernelError('getgrouplist', errnos.ERANGE, user.name)
}

function lookUp(call: string, find: () => Pointer): bigint | null {
  clearErrno()
  const entry = find()
  if (entry !== null) return entry
  const errno = lastErrno()
  if (absent.includes(errno)) return null
  throw new KernelError(call, errno)
}

function parseId(text: string): number | null {
  return /^\d{1,10}$/.test(text) && Number(text) < 0xffff_ffff ? Number(text) : null
}

// The entry lies in memory of the C library that the next lookup overwrites: read it at once.
function readUser(entry: bigint): User {
  const { pw_name, pw_uid, pw_gid, pw_dir, pw_shell } = layouts.passwd.fields
  const { decode } = koffi()
  return {
    name: decode(entry, pw_name, 'str'),
    uid: decode(entry, pw_uid, 'uint32'),
    gid: decode(entry, pw_gid, 'uint32'),
    home: decode(entry, pw_dir, 'str'),
    shell: decode(entry, pw_shell, 'str'),
  }
}

function readGroup(entry: bigint): Group {
  const { gr_name, gr_gid } = layouts.group.fields
  const { decode } = koffi()
  return { name: decode(entry, gr_name, 'str'), gid: decode(entry, gr_gid, 'uint32') }
}
