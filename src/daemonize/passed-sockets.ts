// The program's end of socket activation (sd_listen_fds(3)): descriptors from 3 on, that LISTEN_FDS
// counts and LISTEN_FDNAMES names, when LISTEN_PID says that they are for this process. Node closes
// nothing of them and passes them on to nobody.

import type { Socket as DatagramSocket } from 'node:dgram'
import type { Server, Socket } from 'node:net'
import { assert } from '../base/assert.ts'
import { toFd } from '../base/brands.ts'
import { MAX_PASSED_DESCRIPTORS } from '../base/limits.ts'
import { socketFacts } from '../kernel/socket-option.ts'

/** A descriptor that this program was started with. */
export interface PassedSocket {
  /** As the supervisor calls it; `unknown` when it gave no names. */
  readonly name: string
  readonly fd: number
  /** `listening` takes connections; `other` is a FIFO, a file, or a socket of another kind. */
  readonly kind: 'listening' | 'connected' | 'datagram' | 'other'
  readonly family: 'unix' | 'ipv4' | 'ipv6' | 'none'
  /** Lets a server of node:net, node:http and the like accept from a `listening` socket. */
  listen<T extends ListeningServer>(server: T): T
  /** A new server of node:net on a `listening` socket. */
  server(onConnection?: (socket: Socket) => void): Server
  /** The connection of a `connected` stream socket. */
  connection(): Socket
  /** A UDP socket of node:dgram on a `datagram` one that is not of the Unix family. */
  udp(): DatagramSocket
}

/** What servers of Node have in common. */
export interface ListeningServer {
  listen(options: { readonly fd: number }): unknown
}

const FIRST_FD = 3

let taken: readonly PassedSocket[] | null = null

/**
 * What was passed, in the order of the descriptors; with a name, those of that name. Empty when
 * nothing was, or when it was meant for another process. The variables are removed, so that
 * children do not take them for theirs; later calls give the same list.
 */
export function takeListeners(name?: string): readonly PassedSocket[] {
  taken ??= readPassed()
  return name === undefined ? taken : taken.filter((socket) => socket.name === name)
}

function readPassed(): readonly PassedSocket[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count = '', LISTEN_FDNAMES: names } = process.env
  if (pid !== String(process.pid)) return []
  for (const variable of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID']) {
    delete process.env[variable]
  }
  if (!/^\d{1,6}$/.test(count) || Number(count) > MAX_PASSED_DESCRIPTORS) return []
  const words = names === undefined || names === '' ? [] : names.split(':')
  return Array.from({ length: Number(count) }, (_, index) =>
    describe(FIRST_FD + index, words[index] ?? 'unknown'),
  )
}

function describe(fd: number, name: string): PassedSocket {
  const facts = socketFacts(toFd(fd))
  const family = facts === null || facts.family === 'other' ? 'none' : facts.family
  const kind =
    facts === null
      ? 'other'
      : facts.isListening
        ? 'listening'
        : facts.type === 'datagram'
          ? 'datagram'
          : facts.hasPeer && facts.type === 'stream'
            ? 'connected'
            : 'other'
  const mustBe = (wanted: PassedSocket['kind']): void =>
    assert(kind === wanted, `the passed descriptor '${name}' (${fd}) is ${kind}, not ${wanted}`)
  const listen = <T extends ListeningServer>(server: T): T => {
    mustBe('listening')
    server.listen({ fd })
    return server
  }
  return {
    name,
    fd,
    kind,
    family,
    listen,
    server: (onConnection) => listen(net().createServer(onConnection)),
    connection: () => {
      mustBe('connected')
      return new (net().Socket)({ fd, readable: true, writable: true })
    },
    udp: () => {
      mustBe('datagram')
      assert(
        family === 'ipv4' || family === 'ipv6',
        `'${name}' is no UDP socket: Node has no other`,
      )
      const { createSocket } = process.getBuiltinModule('node:dgram')
      const socket = createSocket(family === 'ipv4' ? 'udp4' : 'udp6')
      return socket.bind({ fd, exclusive: true })
    },
  }
}

/** Loaded by who uses it: a worker with a FIFO needs no network. */
function net(): typeof import('node:net') {
  return process.getBuiltinModule('node:net')
}
