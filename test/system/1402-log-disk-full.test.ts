// A full disk: the service runs on, what could not be kept is counted, told and marked in the log.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openLogBench, readAll, texts } from '../fixtures/log-bench.ts'

const web = 'shop/web@1'
const fillers = 8_000

/** A file system of 256 KiB; undefined when it cannot be had. */
function mountTiny(context: TestContext): { readonly path: string; unmount(): void } | undefined {
  if (process.getuid?.() !== 0) {
    context.skip('needs root to mount a small file system')
    return undefined
  }
  const path = mkdtempSync(join(tmpdir(), 'eudaemon-tiny-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'eudaemon-test', path])
  if (mounted.status !== 0) {
    rmSync(path, { recursive: true })
    context.skip(`cannot mount a tmpfs: ${String(mounted.stderr).trim()}`)
    return undefined
  }
  return {
    path,
    unmount() {
      const result = spawnSync('umount', ['-l', path])
      assert.equal(result.status, 0, String(result.stderr))
      rmSync(path, { recursive: true })
    },
  }
}

test('ENOSPC: drops are counted, and a gap stands where they were', async (context) => {
  const tiny = mountTiny(context)
  if (tiny === undefined) return
  let nowUs = Date.now() * 1000
  const bench = openLogBench({ directory: join(tiny.path, 'logs'), nowUs: () => nowUs })
  try {
    const writer = bench.attach(web)
    writer.stdout('before\n')
    bench.port.drain(writer.instance)
    let written = 7
    // 400 kB in a service's writes that never block: the pipe is emptied all the time.
    for (let chunk = 0; chunk < 50; chunk += 1) {
      nowUs += 100_000
      writer.stdout(`${'f'.repeat(fillers - 1)}\n`)
      bench.port.drain(writer.instance)
      written += fillers
    }
    const { bytes = 0, droppedBytes = 0 } = bench.port.stats(writer.instance) ?? {}
    assert.equal(bytes + droppedBytes, written)
    assert.ok(droppedBytes > 100_000, `${droppedBytes} dropped`)
    assert.equal(bench.dropped[0]?.reason, 'ENOSPC')
    assert.ok(bench.dropped.length < 8, 'told at most once a second')
    const remounted = spawnSync('mount', ['-o', 'remount,size=4m', tiny.path])
    assert.equal(remounted.status, 0, String(remounted.stderr))
    nowUs += 2_000_000
    writer.stdout('after\n')
    bench.port.drain(writer.instance)
    const told = bench.dropped.reduce((sum, one) => sum + one.bytes, 0)
    assert.equal(told, droppedBytes)
    const seen = await readAll({ directory: bench.logs, instances: [web] })
    const gaps = seen.reduce((sum, item) => sum + (item.kind === 'gap' ? (item.bytes ?? 0) : 0), 0)
    assert.equal(gaps, droppedBytes)
    assert.equal(texts(seen)[0], 'before')
    assert.equal(texts(seen).at(-1), 'after')
    assert.match(texts(seen).at(-2) ?? '', /^<gap /)
  } finally {
    await bench.close()
    tiny.unmount()
  }
})

test('a read-only file system, and one without room for the index', async (context) => {
  const tiny = mountTiny(context)
  if (tiny === undefined) return
  let nowUs = Date.now() * 1000
  const bench = openLogBench({ directory: join(tiny.path, 'logs'), nowUs: () => nowUs })
  try {
    spawnSync('mount', ['-o', 'remount,ro', tiny.path])
    const writer = bench.attach(web)
    writer.stdout('lost\n')
    bench.port.drain(writer.instance)
    assert.deepEqual(bench.dropped, [{ instance: web, bytes: 5, reason: 'EROFS' }])
    spawnSync('mount', ['-o', 'remount,rw', tiny.path])
    mkdirSync(bench.directory(web), { recursive: true })
    const ballast = join(tiny.path, 'ballast')
    try {
      writeFileSync(ballast, Buffer.alloc(1024 * 1024))
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
    }
    nowUs += 2_000_000
    writer.stdout('lost too\n')
    bench.port.drain(writer.instance)
    assert.equal(bench.port.stats(writer.instance)?.droppedBytes, 14)
    assert.equal(bench.dropped.at(-1)?.reason, 'ENOSPC')
    rmSync(ballast)
    nowUs += 2_000_000
    writer.stderr('kept\n')
    bench.port.drain(writer.instance)
    const seen = await readAll({ directory: bench.logs, instances: [web] })
    assert.deepEqual(texts(seen), ['<gap 14>', 'kept'])
  } finally {
    await bench.close()
    tiny.unmount()
  }
})
