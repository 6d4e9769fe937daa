// Which descriptors were given to us. Node opens some for itself before our first line, and marks
// all as close-on-exec, inherited ones too: so a number that is open may be nobody's wish.

import { readdirSync, readlinkSync } from 'node:fs'

/** Null when it was inherited, as far as that can be told; else a phrase for people. */
export function whyNotInherited(fd: number): string | null {
  const target = targetOf(fd)
  if (target === null) return `descriptor ${fd} is not open here`
  // The event loop, its wake-ups, and pipes of which we hold both ends.
  const isOwn = /^anon_inode:\[(?:eventpoll|eventfd|io_uring)\]$/.test(target)
  if (isOwn || (target.startsWith('pipe:') && holdersOf(target) > 1)) {
    return `descriptor ${fd} is not one that was passed to us`
  }
  return null
}

function targetOf(fd: number): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return null
  }
}

function holdersOf(target: string): number {
  return readdirSync('/proc/self/fd').filter((name) => targetOf(Number(name)) === target).length
}
