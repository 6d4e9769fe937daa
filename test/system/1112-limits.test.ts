// runs-as: nobody
// Services begin with the soft limit of open files of whoever started the supervisor, and not with
// the one that Node gave itself: also after every kind of death, and unless they ask for another.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { killSupervisor } from '../support/deaths.ts'
import { type Home, openHome } from '../support/home.ts'
import { killExactly } from '../support/processes.ts'
import { command } from '../support/programs.ts'
import { until } from '../support/until.ts'

/** The shell stays above the command: its limit is the one to be found. */
const withSoftLimit = ['sh', '-c', 'ulimit -Sn 333; "$@"; exit $?', 'sh']

async function limitOf(home: Home, instance: string): Promise<number> {
  const { pid } = await home.row(instance)
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8')
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1])
}

test('1112 services get the soft limit of whoever started the supervisor', async (context) => {
  const home = openHome(context, { prefix: withSoftLimit })
  home.write(
    'eudaemon.toml',
    `[services.plain]
     command = ${command('forever.sh')}
     [services.own]
     command = ${command('forever.sh')}
     limits = { nofile = 555 }
     [services.prepared]
     command = ${command('forever.sh')}
     umask = "077"`,
  )
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const limits = async () =>
    Promise.all(['plain@1', 'own@1', 'prepared@1'].map((name) => limitOf(home, name)))
  assert.deepEqual(await limits(), [333, 555, 333])

  await killSupervisor(home)
  assert.equal((await home.run(['restart', 'plain', 'own', 'prepared'])).status, 0)
  assert.deepEqual(await limits(), [333, 555, 333], 'after a death of the supervisor')

  const { guardian } = await home.supervisor()
  const seen = home.processes().find(({ pid }) => pid === guardian)
  assert.ok(seen && killExactly(seen))
  await until('another guardian', async () => {
    const info = await home.supervisor()
    return info.guardian !== null && info.guardian !== guardian
  })
  assert.equal((await home.run(['restart', 'plain', 'own', 'prepared'])).status, 0)
  assert.deepEqual(await limits(), [333, 555, 333], 'after a death of the guardian')
})
