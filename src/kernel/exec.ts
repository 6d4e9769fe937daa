// Turns this process into another program: same pid, same children, same descriptors that are not
// close-on-exec (execve(2)). Undoes first what Node did to the process when it started.

import { type Fd, toFd } from '../base/brands.ts'
import { signalNumbers } from '../base/signal.ts'
import { isCloseOnExec, isOpen, setCloseOnExec, setNonBlocking } from './fd.ts'
import { constants, layouts } from './layouts.ts'
import { libc } from './libc.ts'
import { failedCall, refuseNul } from './syscall-error.ts'

/** Node ignores these two from its start, and an ignored signal stays ignored across execve. */
const signalsIgnoredByNode = [signalNumbers.PIPE, signalNumbers.XFSZ]
const SIG_DFL = null
const SIG_IGN = 1n

/**
 * Replaces this process and does not return. Throws a KernelError when the call fails; then the
 * process goes on as it was. No exit handler runs and no stream is flushed.
 */
export function replaceProcess(
  path: string,
  argv: readonly string[],
  env: readonly string[],
): never {
  for (const text of [path, ...argv, ...env]) refuseNul(text, 'execve')
  const stdio = [0, 1, 2].filter(isOpen).map(toFd)
  const undo = stdio.map(openForSuccessor)
  const mask = Buffer.alloc(layouts.sigset_t.size)
  const oldMask = Buffer.alloc(layouts.sigset_t.size)
  libc.sigemptyset(mask)
  libc.pthread_sigmask(constants.SIG_SETMASK, mask, oldMask)
  for (const number of signalsIgnoredByNode) libc.signal(number, SIG_DFL)

  libc.execve(path, [...argv, null], [...env, null])
  const error = failedCall('execve', path)

  for (const number of signalsIgnoredByNode) libc.signal(number, SIG_IGN)
  libc.pthread_sigmask(constants.SIG_SETMASK, oldMask, null)
  for (const restore of undo) restore()
  throw error
}

/** libuv makes stdin, stdout and stderr close-on-exec, and pipes and terminals non-blocking. */
function openForSuccessor(fd: Fd): () => void {
  const closed = isCloseOnExec(fd)
  if (closed) setCloseOnExec(fd, false)
  const changed = setNonBlocking(fd, false)
  return () => {
    if (closed) setCloseOnExec(fd, true)
    if (changed) setNonBlocking(fd, true)
  }
}
