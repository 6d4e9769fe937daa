// The steps that a program takes in its own process, at the moment when it asks for them: root
// directory, user and groups, umask, working directory, standard streams. What must happen before
// the program's first instruction is the engine's.

import { type Fd, toFd } from '../base/brands.ts'
import { ToolkitError } from '../base/toolkit-error.ts'
import type { User } from '../kernel/credentials.ts'
import { closeFd, isOpen, openDevNull, replaceFd } from '../kernel/fd.ts'
import { kernelErrorOf } from '../kernel/syscall-error.ts'
import type { CredentialChange } from '../launch/credentials.ts'
import { variablesOfUser } from './daemon-environment.ts'

/** Does a step, and names it when the system refuses. Throws ERR_DAEMON_STEP. */
export function step<T>(what: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw failed(what, kernelErrorOf(error))
  }
}

function failed(what: string, cause: unknown): ToolkitError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new ToolkitError('ERR_DAEMON_STEP', `cannot ${what}: ${why}`, { cause })
}

/**
 * Becomes that user for good: all threads, with real, effective and saved ids. Groups first, while
 * there is the right to set them (setgroups(2), setgid(2), setuid(2)).
 */
export function changeUser({ uid, gid, groups }: CredentialChange): void {
  step(`set the supplementary groups to ${groups.join(', ') || 'none'}`, () =>
    process.setgroups?.([...groups]),
  )
  step(`become group ${gid}`, () => process.setgid?.(gid))
  step(`become user ${uid}`, () => process.setuid?.(uid))
}

/** For libraries that look at the environment to learn who they are. */
export function setUserVariables(user: User): void {
  for (const [name, value] of variablesOfUser(user)) process.env[name] = value
}

/** Enters it as the user that the process is by now. */
export function enterDirectory(directory: string): void {
  step(`enter the working directory '${directory}'`, () => process.chdir(directory))
  process.env['PWD'] = directory
}

/** Loads the C library while the files of the package can still be read. */
export function loadEarly(): void {
  isOpen(0)
}

/** The number 0, 1 or 2 stands for what that descriptor is. */
export function replaceStream(number: 0 | 1 | 2, by: number): void {
  if (by === number) return
  step(`replace descriptor ${number}`, () => replaceFd(toFd(by), toFd(number)))
}

/** Calls with /dev/null open, and closes it again. */
export function withDevNull(use: (devNull: Fd) => void): void {
  const devNull = step('open /dev/null', openDevNull)
  try {
    use(devNull)
  } finally {
    closeFd(devNull)
  }
}
