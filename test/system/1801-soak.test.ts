// A long life in a short time: a million log lines and ten thousand restarts, and the supervisor's
// memory before and after.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Home, openHome } from '../support/home.ts'
import { command } from '../support/programs.ts'
import { until } from '../support/until.ts'

const lines = 1_000_000
const restarts = 10_000
const LIMIT_MS = 300_000

/** What is allowed to be added: a heap that has been through its first full collection. */
const MAX_GROWTH_MIB = 25

interface Size {
  readonly residentMiB: number
  readonly descriptors: number
}

async function sizeOf(home: Home): Promise<Size & { readonly pid: number }> {
  const { pid } = await home.supervisor()
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const residentMiB = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024
  const fdSize = Number(/^FDSize:\s+(\d+)$/m.exec(status)?.[1] ?? 0)
  return { pid, residentMiB, descriptors: fdSize }
}

const print = (name: string, { residentMiB, descriptors }: Size): string =>
  `${name}: ${residentMiB.toFixed(1)} MiB resident, descriptor table ${descriptors}`

test('1801 many lines and many restarts leave the supervisor as it was', async (context) => {
  const home = openHome(context)
  const each = Math.ceil(lines / 4)
  const writers = [1, 2, 3, 4].map(
    (number) =>
      `[services.writer${number}]
       command = ${command('numbered-lines.sh', 500, 0.005, each / 2)}
       log = { max-size = "1M", keep = 4 }
       start = "manual"`,
  )
  const mortals = [1, 2, 3, 4].map(
    (number) =>
      `[services.mortal${number}]
       command = ["sh", "-c", "echo again; exit 1"]
       restart = { backoff = "1ms..1ms" }
       start = "manual"`,
  )
  home.write('eudaemon.toml', [...writers, ...mortals].join('\n'))
  assert.equal((await home.run(['up', '-d'])).status, 0)
  const warm = async (): Promise<number> => {
    const rows = await home.status()
    return rows.reduce((sum, row) => sum + row.restarts, 0)
  }
  const names = [1, 2, 3, 4].flatMap((number) => [`writer${number}`, `mortal${number}`])
  await home.run(['start', '--no-wait', ...names])
  await until(
    'the first tenth of the restarts',
    async () => (await warm()) > restarts / 10,
    LIMIT_MS,
  )
  const before = await sizeOf(home)
  context.diagnostic(print('before', before))
  await until(`${restarts} restarts`, async () => (await warm()) >= restarts, LIMIT_MS)
  for (const number of [1, 2, 3, 4]) {
    await until(
      `the last line of writer${number}`,
      async () => {
        const last = await home.run(['logs', '-n', '1', '--stream', 'stdout', `writer${number}`])
        return last.stdout.includes('end ')
      },
      LIMIT_MS,
    )
  }
  const after = await sizeOf(home)
  context.diagnostic(print(`after ${lines} lines and ${await warm()} restarts`, after))
  assert.equal(after.pid, before.pid, 'the supervisor has died meanwhile')
  const growth = after.residentMiB - before.residentMiB
  assert.ok(growth < MAX_GROWTH_MIB, `it grew by ${growth.toFixed(1)} MiB`)
  assert.ok(after.descriptors <= before.descriptors * 2, 'descriptors leak')
  const down = await home.run(['down'])
  assert.equal(down.status, 0, down.stderr)
})
