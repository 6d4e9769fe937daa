// As whom a service runs: names of the definition -> numbers for setpriv(1), or why that cannot be.
// Nothing is changed here. When the service is to run as we do, there is nothing to change either.

import { readFileSync } from 'node:fs'
import { quote } from '../base/quote.ts'
import { suggest } from '../base/suggest.ts'
import { findGroup, findUser, groupsOf, type User } from '../kernel/credentials.ts'
import type { Identity } from '../kernel/identity.ts'
import { KernelError } from '../kernel/syscall-error.ts'
import { type LaunchRefusal, refuse } from './refusal.ts'

export interface Credentials {
  readonly kind: 'credentials'
  /** Whose HOME and SHELL the service gets; null when the definition names no user. */
  readonly user: User | null
  /** Null: the service runs as we do. */
  readonly change: CredentialChange | null
}

export interface CredentialChange {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
}

/** Names or numbers, as an operator writes them. */
export interface WantedCredentials {
  readonly user: string | null
  readonly group: string | null
  readonly supplementaryGroups: readonly string[]
}

/** Looks up users and groups (blocks when they come from a network) and compares with ourselves. */
export function resolveCredentials(
  wanted: WantedCredentials,
  self: Identity,
): Credentials | LaunchRefusal {
  try {
    return resolve(wanted, self)
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    return refuse('credentials', '', `looking up users and groups failed: ${error.message}`)
  }
}

function resolve(wanted: WantedCredentials, self: Identity): Credentials | LaunchRefusal {
  const gid = wanted.group === null ? null : resolveGroup(wanted.group)
  if (typeof gid === 'object' && gid !== null) return gid
  const user = wanted.user === null ? null : resolveUser(wanted.user, gid)
  if (user !== null && 'kind' in user) return user
  const extra: number[] = []
  for (const name of wanted.supplementaryGroups) {
    const found = resolveGroup(name)
    if (typeof found === 'object') return found
    extra.push(found)
  }
  const target = {
    uid: user?.uid ?? self.uid,
    gid: gid ?? user?.gid ?? self.gid,
  }
  const isSame = target.uid === self.uid && target.gid === self.gid
  const has = (group: number): boolean => group === self.gid || self.groups.includes(group)
  if (isSame && extra.every(has)) return { kind: 'credentials', user, change: null }
  const denied = whyNotAllowed(wanted, target.uid, self)
  if (denied !== null) return denied
  const own = user === null ? self.groups : groupsOf({ ...user, gid: target.gid })
  const groups = [...new Set([...own, ...extra])]
  return { kind: 'credentials', user, change: { ...target, groups } }
}

function whyNotAllowed(
  wanted: WantedCredentials,
  uid: number,
  self: Identity,
): LaunchRefusal | null {
  if (uid !== self.uid && !self.canSetUser) {
    const detail =
      `eudaemon runs as uid ${self.uid} and may not switch to another user. ` +
      'Run it as root, or remove `user` from the service.'
    return refuse('credentials', `user ${quote(wanted.user ?? '')}`, detail)
  }
  if (self.canSetGroups) return null
  const names = [wanted.group, ...wanted.supplementaryGroups].filter((name) => name !== null)
  const object = names.length > 0 ? `group ${quote(names.join(', '))}` : 'groups'
  const detail =
    `eudaemon runs as uid ${self.uid} and may not change groups. ` +
    'Run it as root, or remove `group` and `supplementary-groups` from the service.'
  return refuse('credentials', object, detail)
}

function resolveUser(name: string, gid: number | null): User | LaunchRefusal {
  const user = name.includes('\0') ? null : findUser(name)
  if (user !== null) return user
  const uid = parseId(name)
  // A number without an entry in the table of users is a user all the same, but has no group.
  if (uid !== null && gid !== null) return { name, uid, gid, home: '/', shell: '/bin/sh' }
  if (uid !== null) {
    const detail = 'there is no user with that number; name a `group` too to run as a bare number'
    return refuse('credentials', `user ${quote(name)}`, detail)
  }
  return refuse('credentials', `user ${quote(name)}`, missing('user', name, '/etc/passwd'))
}

function resolveGroup(name: string): number | LaunchRefusal {
  const found = name.includes('\0') ? null : findGroup(name)
  const gid = found?.gid ?? parseId(name)
  if (gid !== null) return gid
  return refuse('credentials', `group ${quote(name)}`, missing('group', name, '/etc/group'))
}

function parseId(text: string): number | null {
  return /^\d{1,10}$/.test(text) && Number(text) < 0xffff_ffff ? Number(text) : null
}

function missing(what: 'user' | 'group', name: string, table: string): string {
  const close = suggest(name, namesIn(table))
  const hint = close === undefined ? '' : `; did you mean ${quote(close)}?`
  return `there is no such ${what}${hint}`
}

/** The local names only: good enough for a suggestion. */
function namesIn(table: string): readonly string[] {
  try {
    return readFileSync(table, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const end = line.indexOf(':')
        return end > 0 ? [line.slice(0, end)] : []
      })
  } catch {
    return []
  }
}
