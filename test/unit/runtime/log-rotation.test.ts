// What becomes of segments: rotation, compression, crashes, limits, and people with `rm`.

import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openLogBench, readAll, texts, until } from '../../fixtures/log-bench.ts'

const web = 'shop/web@1'

test('rotation by size keeps so many, nothing is lost between them', async () => {
  const bench = openLogBench()
  try {
    const writer = bench.attach(web, { maxSizeBytes: 1000, keep: 3 })
    for (let line = 0; line < 500; line += 1) {
      writer.stdout(`line ${line} of the program\n`)
      bench.port.drain(writer.instance)
    }
    const names = readdirSync(bench.directory(web))
      .filter((name) => name.endsWith('.log'))
      .sort()
    assert.equal(names.length, 4)
    assert.equal(readlinkSync(join(bench.directory(web), 'current')), names.at(-1))
    const seen = texts(await readAll({ directory: bench.logs, instances: [web] }))
    const first = Number(seen[0]?.split(' ')[1])
    const expected = Array.from(
      { length: 500 - first },
      (_, at) => `line ${first + at} of the program`,
    )
    assert.deepEqual(seen, expected)
    assert.ok(first > 0)
  } finally {
    await bench.close()
  }
})

test('compression: the raw file goes when the compressed one is whole', async () => {
  const bench = openLogBench()
  try {
    const writer = bench.attach(web, { maxSizeBytes: 10_000, keep: 50, compress: 'zstd' })
    const expected: string[] = []
    for (let line = 0; line < 4000; line += 1) {
      expected.push(`line ${line}`)
      writer.stdout(`line ${line}\n`)
      if (line % 100 === 99) bench.port.drain(writer.instance)
    }
    await bench.port.settled()
    const names = readdirSync(bench.directory(web))
    const raw = names.filter((name) => name.endsWith('.log'))
    assert.ok(names.filter((name) => name.endsWith('.log.zst')).length >= 3)
    assert.ok(raw.length <= 1)
    const options = { directory: bench.logs, instances: [web] }
    assert.deepEqual(texts(await readAll(options)), expected)
    assert.deepEqual(texts(await readAll({ ...options, lastLines: 3000 })), expected.slice(-3000))
    const sizes = names
      .filter((name) => name !== 'current')
      .map((name) => statSync(join(bench.directory(web), name)).size)
    assert.equal(
      bench.port.statsTotal().diskBytes,
      sizes.reduce((sum, size) => sum + size, 0),
    )
  } finally {
    await bench.close()
  }
})

test('rotation by age: only with something in it, and without a timer at rest', async () => {
  let nowUs = Date.now() * 1000
  const bench = openLogBench({ nowUs: () => nowUs })
  try {
    const writer = bench.attach(web, { maxAgeMs: 200 })
    await delay(300)
    assert.equal(existsSync(bench.directory(web)), false)
    writer.stdout('old\n')
    bench.port.drain(writer.instance)
    nowUs += 1_000_000
    await until(() => bench.port.position(writer.instance)?.segment === 2, 'rotation by age')
    assert.deepEqual(readdirSync(bench.directory(web)).sort(), [
      '0000000001.idx',
      '0000000001.log',
      'current',
    ])
  } finally {
    await bench.close()
  }
})

test('after a crash: goes on at the end, without torn records', async () => {
  const first = openLogBench()
  const writer = first.attach(web, { maxSizeBytes: 100, compress: 'zstd' })
  writer.stdout('a'.repeat(99))
  first.port.drain(writer.instance)
  writer.stdout('\nin the old one\n')
  first.port.drain(writer.instance)
  writer.stdout('kept\n')
  await first.port.settled()
  first.port.detach(writer.instance)
  const directory = first.directory(web)
  appendFileSync(join(directory, '0000000002.log'), 'spliced, then killed\n')
  appendFileSync(join(directory, '0000000002.idx'), 'torn')
  writeFileSync(join(directory, '0000000002.log.zst.tmp'), 'half')
  writeFileSync(join(directory, '0000000001.log'), 'not unlinked any more')
  writeFileSync(join(directory, 'not-ours.txt'), 'stays')
  const second = openLogBench({ directory: first.logs })
  try {
    const again = second.attach(web, { compress: 'zstd' })
    again.stderr('after\n')
    second.port.drain(again.instance)
    await second.port.settled()
    assert.deepEqual(readdirSync(directory).sort(), [
      '0000000001.idx',
      '0000000001.log.zst',
      '0000000002.idx',
      '0000000002.log',
      'current',
      'not-ours.txt',
    ])
    const items = await readAll({ directory: first.logs, instances: [web] })
    assert.deepEqual(texts(items), [
      'a'.repeat(99),
      '',
      'in the old one',
      'kept',
      'spliced, then killed',
      'after',
    ])
    assert.equal(
      items.at(-1)?.kind === 'line' && items.at(-1)?.timeUs !== items.at(-2)?.timeUs,
      true,
    )
  } finally {
    await second.close()
    await first.close()
  }
})

test('an index of another version is left alone: a new segment begins', async () => {
  const bench = openLogBench()
  try {
    const writer = bench.attach(web)
    writer.stdout('one\n')
    bench.port.detach(writer.instance)
    writeFileSync(join(bench.directory(web), '0000000001.idx'), 'eudlogix-from-the-future')
    const again = bench.attach(web)
    again.stdout('two\n')
    bench.port.drain(again.instance)
    assert.deepEqual(bench.port.position(again.instance), { segment: 2, offset: 4 })
    assert.equal(readFileSync(join(bench.directory(web), '0000000001.log'), 'utf8'), 'one\n')
  } finally {
    await bench.close()
  }
})

test('somebody deletes or cuts the file: a new segment, no holes', async () => {
  let nowUs = Date.now() * 1000
  const bench = openLogBench({ nowUs: () => nowUs })
  try {
    const writer = bench.attach(web)
    const write = (text: string): void => {
      nowUs += 2_000_000
      writer.stdout(text)
      bench.port.drain(writer.instance)
    }
    write('one\n')
    truncateSync(join(bench.directory(web), '0000000001.log'))
    write('two\n')
    rmSync(bench.directory(web), { recursive: true })
    write('three\n')
    assert.deepEqual(bench.errors, [])
    const seen = texts(await readAll({ directory: bench.logs, instances: [web] }))
    assert.deepEqual(seen, ['three'])
    assert.equal(bench.port.position(writer.instance)?.segment, 3)
  } finally {
    await bench.close()
  }
})

test('the total limit takes the oldest of anyone, then the largest', async () => {
  let nowUs = Date.now() * 1000
  const bench = openLogBench({ totalMaxBytes: 5_000, nowUs: () => nowUs })
  try {
    const old = bench.attach('shop/old@1', { maxSizeBytes: 900 })
    old.stdout(`${'o'.repeat(999)}\n`)
    bench.port.drain(old.instance)
    nowUs += 1_000_000
    const big = bench.attach('shop/big@1', { maxSizeBytes: 1_000_000 })
    const small = bench.attach('shop/small@1', { maxSizeBytes: 1_000_000 })
    small.stdout('small\n')
    bench.port.drain(small.instance)
    for (let chunk = 0; chunk < 6; chunk += 1) {
      nowUs += 1_000_000
      big.stdout(`${'b'.repeat(999)}\n`)
      bench.port.drain(big.instance)
      assert.ok(bench.port.statsTotal().diskBytes <= 5_000)
    }
    assert.equal(existsSync(join(bench.directory('shop/old@1'), '0000000001.log')), false)
    assert.deepEqual(texts(await readAll({ directory: bench.logs, instances: ['shop/small@1'] })), [
      'small',
    ])
    assert.deepEqual(
      bench.dropped.map((one) => [one.instance, one.reason]),
      [
        ['shop/old@1', 'total-limit'],
        ['shop/big@1', 'total-limit'],
      ],
    )
    assert.ok(bench.port.position(big.instance)?.segment === 2)
  } finally {
    await bench.close()
  }
})

test('logs of services that are gone count, and go first', async () => {
  const first = openLogBench()
  const writer = first.attach('gone/web@1')
  writer.stdout('x'.repeat(3000))
  first.port.detach(writer.instance)
  const second = openLogBench({ directory: first.logs, totalMaxBytes: 4_000 })
  try {
    await second.port.settled()
    assert.ok(second.port.statsTotal().diskBytes > 3000)
    const other = second.attach(web)
    other.stdout('y'.repeat(2000))
    second.port.drain(other.instance)
    assert.equal(existsSync(join(second.directory('gone/web@1'), '0000000001.log')), false)
    assert.equal(second.dropped[0]?.instance, 'gone/web@1')
  } finally {
    await second.close()
    await first.close()
  }
})
