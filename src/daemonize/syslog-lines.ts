// What a daemon writes to syslog while we are the reader of its pipes: the same lines that
// logger(1) sends when we have left (drain.ts).

import { MAX_SYSLOG_TEXT_BYTES } from '../base/limits.ts'
import type { DaemonRequest } from './daemon-request.ts'
import type { DaemonStreams, WatchedStream } from './daemon-streams.ts'
import { openSyslog } from './syslog.ts'

const severities = { stdout: 'info', stderr: 'err' } as const

/** The same streams, told to syslog too. Throws ERR_NO_SYSLOG. */
export function tellSyslog(request: DaemonRequest): (streams: DaemonStreams) => DaemonStreams {
  const log = openSyslog({ facility: 'daemon', tag: request.name, pid: null })
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  const pending = { stdout: '', stderr: '' }

  function take(stream: WatchedStream, bytes: Uint8Array): void {
    if (request[stream].kind !== 'syslog') return
    const text = pending[stream] + decoders[stream].decode(bytes, { stream: true })
    const end = text.length > MAX_SYSLOG_TEXT_BYTES ? text.length : text.lastIndexOf('\n') + 1
    pending[stream] = text.slice(end)
    if (end > 0) log.write(severities[stream], text.slice(0, end))
  }

  return (streams) => ({
    ...streams,
    listen: (poller, listener) =>
      streams.listen(poller, {
        ...listener,
        onBytes: (stream, bytes) => {
          take(stream, bytes)
          listener.onBytes(stream, bytes)
        },
      }),
    leave: () => {
      const pipes = streams.leave()
      for (const stream of ['stdout', 'stderr'] as const) {
        if (pending[stream] !== '') log.write(severities[stream], pending[stream])
      }
      log.close()
      return pipes
    },
  })
}
