// Who this process is and whether it may become somebody else. Being root is not the question: in a
// container root may lack the capability, and elsewhere another user may have it (capabilities(7)).

import { readFileSync } from 'node:fs'

export interface Identity {
  readonly uid: number
  readonly gid: number
  /** Supplementary groups. */
  readonly groups: readonly number[]
  /** CAP_SETUID and CAP_SETGID are in the effective set. */
  readonly canSetUser: boolean
  readonly canSetGroups: boolean
}

/** Numbers of capabilities: linux/capability.h. */
const CAP_SETGID = 6n
const CAP_SETUID = 7n

/** The effective ids and capabilities of this process (proc(5), `CapEff`). */
export function ownIdentity(): Identity {
  const status = readFileSync('/proc/self/status', 'latin1')
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  return {
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    groups: process.getgroups?.() ?? [],
    canSetUser: ((effective >> CAP_SETUID) & 1n) === 1n,
    canSetGroups: ((effective >> CAP_SETGID) & 1n) === 1n,
  }
}
