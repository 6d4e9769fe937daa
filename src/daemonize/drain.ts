// Who reads a pipe of the daemon when we have left: cat(1) into /dev/null, or logger(1) into
// syslog. A daemon that writes must neither block nor get SIGPIPE. The drain ends with the last
// writer; it is no child of the daemon and has nothing of ours.

import { ToolkitError } from '../base/toolkit-error.ts'
import { closeFd, openDevNull, setNonBlocking } from '../kernel/fd.ts'
import { spawnProcess } from '../kernel/spawn.ts'
import { findTool } from '../launch/program.ts'
import type { OpenPipe } from './daemon-streams.ts'

/** Hands the pipe over; ours is closed afterwards. */
export function startDrain({ stream, target, reader }: OpenPipe, name: string): void {
  const tool = target.kind === 'syslog' ? 'logger' : 'cat'
  const path = requireDrain(tool)
  const priority = stream === 'stdout' ? 'daemon.info' : 'daemon.err'
  const argv = tool === 'cat' ? ['cat'] : ['logger', '--tag', name, '--priority', priority]
  setNonBlocking(reader, false)
  const devNull = openDevNull()
  const result = spawnProcess({
    path,
    argv,
    env: [],
    directory: '/',
    files: [
      { from: reader, to: 0 },
      { from: devNull, to: 1 },
      { from: devNull, to: 2 },
    ],
    session: 'new-session',
  })
  closeFd(devNull)
  closeFd(reader)
  if (result.kind === 'failed') throw new ToolkitError('ERR_KERNEL_CALL', result.message)
  closeFd(result.pidfd)
}

/** Before the start: a daemon that nobody could listen to is not started. */
export function requireDrain(tool: 'cat' | 'logger'): string {
  const path = findTool(tool)
  if (path !== null) return path
  const pack = tool === 'cat' ? 'coreutils' : 'bsdutils'
  throw new ToolkitError('ERR_DAEMON_STREAM', `the program ${tool} is missing`, {
    hint: `Install the package ${pack}, or send the output to a file.`,
  })
}
