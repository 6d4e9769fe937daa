// What Node cannot change of its own process: the root directory, core dumps, ignored signals. All
// of it holds for every thread, and for what is started from now on.

import { constants, layouts } from './layouts.ts'
import { libc } from './libc.ts'
import { checked, refuseNul } from './syscall-error.ts'

const SIG_IGN = 1n

/** Makes the directory the root directory of this process, and enters it (chroot(2)). */
export function changeRoot(path: string): void {
  refuseNul(path, 'chroot')
  checked(libc.chroot(path), 'chroot', path)
  process.chdir('/')
}

/** Both limits become zero, so that nothing below us can raise them again (RLIMIT_CORE). */
export function preventCoreDumps(): void {
  const none = Buffer.alloc(layouts.rlimit.size)
  checked(libc.setrlimit(constants.RLIMIT_CORE, none), 'setrlimit')
}

/** Nothing happens at this signal from now on; programs that are started ignore it too (signal(7)).
 *  Throws EINVAL for what cannot be ignored. */
export function ignoreSignal(number: number): void {
  // SIG_ERR is all ones.
  checked(libc.signal(number, SIG_IGN) === 0xffff_ffff_ffff_ffffn ? -1 : 0, 'signal')
}
