// Reading logs from files that the real port wrote: ranges, merging, following.

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { toInstanceId } from '../../../src/base/brands.ts'
import { type LogItem, readLog } from '../../../src/client/log-reader.ts'
import { openLogBench, readAll, texts, until } from '../../fixtures/log-bench.ts'

const web = 'shop/web@1'
const db = 'shop/db@1'

/** Two instances, 2,000 lines, a line every millisecond from 1,000 ms on, in turns. */
async function twoLogs(plan: Parameters<ReturnType<typeof openLogBench>['attach']>[1]) {
  let nowUs = 1_000_000
  const bench = openLogBench({ nowUs: () => nowUs })
  const writers = [bench.attach(web, plan), bench.attach(db, plan)]
  const expected: string[] = []
  for (let line = 0; line < 2000; line += 1) {
    nowUs = (1000 + line) * 1000
    const writer = writers[line % 2]
    const text = `line ${line} ${'.'.repeat(line % 70)}`
    expected.push(text)
    if (line % 5 === 0) writer?.stderr(`${text}\n`)
    else writer?.stdout(`${text}\n`)
    if (writer !== undefined) bench.port.drain(writer.instance)
  }
  await bench.port.settled()
  return {
    bench,
    expected,
    setTime: (us: number) => {
      nowUs = us
    },
    writers,
  }
}

for (const compress of ['none', 'zstd'] as const) {
  test(`two logs merged, compress ${compress}: all, last, since, until, stream, grep`, async () => {
    const plan = { maxSizeBytes: 7_000, keep: 100, compress }
    const { bench, expected } = await twoLogs(plan)
    try {
      const options = { directory: bench.logs, instances: [web, db] }
      assert.deepEqual(texts(await readAll(options)), expected)
      for (const lastLines of [0, 1, 10, 199, 1500, 5000]) {
        const wanted = lastLines === 0 ? [] : expected.slice(-lastLines)
        assert.deepEqual(texts(await readAll({ ...options, lastLines })), wanted, `-n ${lastLines}`)
      }
      const at = (line: number): number => (1000 + line) * 1000
      for (const [since, until_] of [
        [0, 1999],
        [1, 1998],
        [17, 18],
        [1200, 1300],
        [1999, 1999],
      ] as const) {
        const range = { sinceUs: at(since), untilUs: at(until_) }
        const wanted = expected.slice(since, until_ + 1)
        assert.deepEqual(
          texts(await readAll({ ...options, ...range })),
          wanted,
          `${since}..${until_}`,
        )
        assert.deepEqual(
          texts(await readAll({ ...options, ...range, lastLines: 7 })),
          wanted.slice(-7),
          `last of ${since}..${until_}`,
        )
      }
      assert.deepEqual(texts(await readAll({ ...options, sinceUs: at(2000) })), [])
      const isStderr = (_: string, line: number): boolean => line % 5 === 0
      assert.deepEqual(
        texts(await readAll({ ...options, stream: 'stderr', lastLines: 33 })),
        expected.filter(isStderr).slice(-33),
      )
      assert.deepEqual(
        texts(await readAll({ ...options, grep: /line \d*77 /g, lastLines: 15 })),
        expected.filter((text) => /line \d*77 /.test(text)).slice(-15),
      )
    } finally {
      await bench.close()
    }
  })
}

test('the last lines of a large log are read without the rest', async () => {
  const bench = openLogBench()
  try {
    const writer = bench.attach(web, { maxSizeBytes: 2 ** 31 })
    const filler = `${'x'.repeat(9_999)}\n`.repeat(6)
    for (let chunk = 0; chunk < 800; chunk += 1) {
      writer.stdout(filler)
      bench.port.drain(writer.instance)
    }
    writer.stdout('last\n')
    bench.port.drain(writer.instance)
    const before = process.memoryUsage.rss()
    const started = performance.now()
    const seen = texts(await readAll({ directory: bench.logs, instances: [web], lastLines: 2 }))
    assert.ok(performance.now() - started < 500)
    assert.ok(process.memoryUsage.rss() - before < 30 * 1024 * 1024)
    assert.deepEqual(seen, ['x'.repeat(9_999), 'last'])
  } finally {
    await bench.close()
  }
})

test('a window that begins in the middle of a line does not show its rest', async () => {
  let nowUs = 1_000_000
  const bench = openLogBench({ nowUs: () => nowUs })
  try {
    const writer = bench.attach(web)
    writer.stdout('begun before, ')
    await until(() => bench.port.stats(writer.instance)?.bytes === 14, 'the beginning')
    nowUs = 2_000_000
    writer.stdout('ended after\nnext\n')
    writer.stderr('error\n')
    await until(() => bench.port.stats(writer.instance)?.bytes === 37, 'the end')
    const options = { directory: bench.logs, instances: [web] }
    assert.deepEqual(texts(await readAll(options)).toSorted(), [
      'begun before, ended after',
      'error',
      'next',
    ])
    const later = texts(await readAll({ ...options, sinceUs: 2_000_000 }))
    assert.deepEqual(later.toSorted(), ['error', 'next'])
  } finally {
    await bench.close()
  }
})

test('no log yet, a segment without an index, an empty directory', async () => {
  const bench = openLogBench()
  try {
    assert.deepEqual(await readAll({ directory: bench.logs, instances: [web] }), [])
    mkdirSync(bench.directory(web), { recursive: true })
    assert.deepEqual(await readAll({ directory: bench.logs, instances: [web], lastLines: 5 }), [])
    writeFileSync(join(bench.directory(web), '0000000004.log'), 'a\nb')
    const items = await readAll({ directory: bench.logs, instances: [web], lastLines: 5 })
    assert.deepEqual(
      items.map((item) => item.kind === 'line' && [item.text, item.isPartial]),
      [
        ['a', false],
        ['b', true],
      ],
    )
    assert.ok(Math.abs((items[0]?.timeUs ?? 0) / 1000 - Date.now()) < 60_000)
  } finally {
    await bench.close()
  }
})

/** Follows in the background and collects. */
function follow(directory: string, names: readonly string[], lastLines?: number) {
  const items: LogItem[] = []
  const controller = new AbortController()
  const listed = names.map(toInstanceId)
  const done = (async () => {
    for await (const item of readLog({
      directory,
      instances: names.map(toInstanceId),
      lastLines,
      follow: { signal: controller.signal, listInstances: () => listed },
    }))
      items.push(item)
  })()
  const stop = async (): Promise<void> => {
    controller.abort()
    await done
  }
  return { items, listed, stop, seen: () => texts(items) }
}

test('following survives rotation, compression and deletion of the directory', async () => {
  const bench = openLogBench()
  const plan = { maxSizeBytes: 500, keep: 1000, compress: 'zstd' } as const
  const writer = bench.attach(web, plan)
  writer.stdout('old 1\nold 2\nold 3\n')
  bench.port.drain(writer.instance)
  const reader = follow(bench.logs, [web], 2)
  try {
    await until(() => reader.items.length === 2, 'the last lines')
    const expected = ['old 2', 'old 3']
    for (let line = 0; line < 3000; line += 1) {
      expected.push(`line ${line}`)
      writer.stdout(`line ${line}\n`)
      if (line % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => reader.items.length >= expected.length, 'all lines')
    assert.deepEqual(reader.seen(), expected)
    assert.ok((bench.port.position(writer.instance)?.segment ?? 0) > 5)
    writer.stdout('alone')
    bench.port.drain(writer.instance)
    await until(
      () => reader.seen().at(-1) === 'alone',
      'the unfinished line at the end of a process',
    )
  } finally {
    await reader.stop()
    await bench.close()
  }
})

test('following: notifications come for splice, not by looking', async () => {
  const bench = openLogBench()
  const writer = bench.attach(web)
  writer.stdout('first\n')
  bench.port.drain(writer.instance)
  const reader = follow(bench.logs, [web])
  try {
    await until(() => reader.items.length === 1, 'the first line')
    const started = performance.now()
    for (let line = 0; line < 20; line += 1) {
      writer.stdout('more\n')
      await until(() => reader.items.length === line + 2, 'more')
    }
    // Looking every 250 ms would take 5 s.
    assert.ok(performance.now() - started < 2_000)
  } finally {
    await reader.stop()
    await bench.close()
  }
})

test('following: instances that appear later, and a log that does not exist yet', async () => {
  const bench = openLogBench()
  const reader = follow(bench.logs, [web])
  try {
    const writer = bench.attach(web)
    writer.stdout('hello\n')
    await until(() => reader.seen().includes('hello'), 'a log that came to be')
    const other = bench.attach(db)
    reader.listed.push(toInstanceId(db))
    other.stdout('me too\n')
    await until(() => reader.seen().includes('me too'), 'an instance that came to be')
    assert.equal(reader.items.length, 2)
  } finally {
    await reader.stop()
    await bench.close()
  }
})
