// The probe as a Node program that makes itself a daemon:
// node probe-self-daemon.ts PID-FILE USER DIR [MILLISECONDS]

import { setTimeout as delay } from 'node:timers/promises'
import { daemonize } from '../../../src/daemonize.ts'
import { obeyOrders, writeReady } from './probe-node.ts'

const [, , pidFile = '', user = '', folder = '', readyAfterMs = '0'] = process.argv
const daemon = await daemonize({ name: 'probe', pidFile, ...(user === '' ? {} : { user }) })
await delay(Number(readyAfterMs))
writeReady(folder)
// The daemon is whole when it has said so: until then its standard error is what the prompt shows.
daemon.ready()
obeyOrders(folder)
