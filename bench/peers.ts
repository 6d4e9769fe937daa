// The other supervisors, each at its best: service directories with `run` scripts of `#!/bin/sh`
// and `exec`, as people write them. They run from a fresh folder and are found again by their tag.

import { spawn } from 'node:child_process'
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { killAll, TAG } from './processes.ts'

/** Where one measurement of one supervisor takes place. */
export interface Place {
  /** Fresh, and removed afterwards. */
  readonly folder: string
  /** What its processes are known by. */
  readonly tag: string
}

export interface Service {
  readonly name: string
  readonly command: readonly string[]
}

/** A supervisor that is to be measured. */
export interface Peer {
  readonly name: string
  readonly isInstalled: boolean
  /** Writes what it is told about the services; not part of any measurement. */
  prepare(place: Place, services: readonly Service[]): void
  /** Issues the command that starts all; resolves when the command has nothing more to do. */
  start(place: Place): Promise<void>
  /** The command that ends a service and starts it again. */
  restart(place: Place, service: string): readonly string[]
  /** The command that shows one service. */
  status(place: Place, service: string): readonly string[]
  /** The command that shows these services, which are all. */
  statusAll(place: Place, services: readonly string[]): readonly string[]
  stop(place: Place): Promise<void>
}

interface Words {
  readonly name: string
  readonly scan: readonly string[]
  readonly restart: readonly string[]
  readonly status: readonly string[]
  /** Where its services say that they are ready; s6 restarts others a second later only. */
  readonly notifyFd?: number
}

const inPath = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

export function environmentOf({ tag }: Place): Record<string, string | undefined> {
  return { ...process.env, [TAG]: tag }
}

function directoryPeer({ name, scan, restart, status, notifyFd }: Words): Peer {
  const services = (place: Place) => join(place.folder, 'services')
  const one = (place: Place, service: string) => join(services(place), service)
  return {
    name,
    isInstalled: [scan, restart, status].every(([program = '']) => inPath(program)),
    prepare: (place, definitions) => {
      for (const { name: service, command } of definitions) {
        mkdirSync(one(place, service), { recursive: true })
        const ready = notifyFd === undefined ? '' : `echo >&${notifyFd}\n`
        const text = `#!/bin/sh\n${ready}exec ${command.join(' ')}\n`
        writeFileSync(join(one(place, service), 'run'), text, { mode: 0o755 })
        if (notifyFd === undefined) continue
        writeFileSync(join(one(place, service), 'notification-fd'), `${notifyFd}\n`)
      }
    },
    start: async (place) => {
      const [program = '', ...words] = [...scan, services(place)]
      const env = environmentOf(place)
      spawn(program, words, { env, stdio: 'ignore', detached: true, cwd: place.folder }).unref()
    },
    restart: (place, service) => [...restart, one(place, service)],
    status: (place, service) => [...status, one(place, service)],
    statusAll: (place, names) => [...status, ...names.map((service) => one(place, service))],
    stop: (place) => killAll(place.tag),
  }
}

/** In the order of the table. */
export const peers: readonly Peer[] = [
  directoryPeer({
    name: 'daemontools',
    scan: ['svscan'],
    restart: ['svc', '-t'],
    status: ['svstat'],
  }),
  directoryPeer({
    name: 'runit',
    scan: ['runsvdir'],
    restart: ['sv', 'term'],
    status: ['sv', 'status'],
  }),
  directoryPeer({
    name: 's6',
    scan: ['s6-svscan', '-c', '1000'],
    restart: ['s6-svc', '-t'],
    status: ['s6-svstat'],
    notifyFd: 3,
  }),
]
