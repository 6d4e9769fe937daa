// A thousand services from one file: `up -d` returns with all of them up, and meanwhile status,
// logs and a restart of one are answered. Figures are printed; the limits are generous.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openHome } from '../support/home.ts'
import { until } from '../support/until.ts'

const COUNT = 1_000

function residentMiB(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1] ?? 0) / 1024
}

test('1701 a thousand services, asked while they start', async (context) => {
  const home = openHome(context)
  const services = Array.from(
    { length: COUNT },
    (_, index) =>
      `[services.s${index + 1}]\ncommand = ["sh", "-c", "echo $$ runs; exec sleep 1000000"]`,
  )
  home.write('eudaemon.toml', services.join('\n'))
  const up = home.start(['up', '-d'], { timeoutMs: 240_000 })
  await until('the first service to be up', async () => {
    const rows = await home.status().catch(() => [])
    return rows.find(({ service }) => service === 's1')?.ready
  })
  const status = await home.run(['status', '--json'])
  assert.ok(status.status === 0 || status.status === 3, status.stderr)
  assert.equal((JSON.parse(status.stdout) as unknown[]).length, COUNT)
  const restart = await home.run(['restart', 's1'])
  assert.equal(restart.status, 0, restart.stderr)
  const logs = await home.run(['logs', 's1'])
  assert.equal(logs.stdout.trim().split('\n').length, 2, logs.stdout)
  const { status: code, stderr, tookMs } = await up.ended
  assert.equal(code, 0, stderr)
  const rows = await home.status()
  assert.equal(rows.length, COUNT)
  assert.ok(rows.every(({ phase }) => phase === 'up'))
  const { pid } = await home.supervisor()
  context.diagnostic(
    `up -d of ${COUNT}: ${tookMs.toFixed(0)} ms; status ${status.tookMs.toFixed(0)} ms, restart ` +
      `${restart.tookMs.toFixed(0)} ms, logs ${logs.tookMs.toFixed(0)} ms; supervisor ` +
      `${residentMiB(pid).toFixed(0)} MiB`,
  )
  const before = new Map(rows.map(({ instance, pid: main }) => [instance, main]))
  process.kill(pid, 'SIGKILL')
  const killedAt = performance.now()
  await until('another supervisor', async () => {
    const found = await home.supervisor()
    return found.pid !== pid
  })
  const again = performance.now() - killedAt
  for (const row of await home.status()) assert.equal(row.pid, before.get(row.instance))
  context.diagnostic(`after SIGKILL it answers again in ${again.toFixed(0)} ms`)
  const down = await home.run(['down'], { timeoutMs: 240_000 })
  assert.equal(down.status, 0, down.stderr)
  context.diagnostic(`down: ${down.tookMs.toFixed(0)} ms`)
  await until('an empty home', () => home.processes().length === 0)
})
