import assert from 'node:assert/strict'
import {
  appendFileSync, existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openLogBench, readAll, texts, until } from '../../fixtures/log-bench.ts'

const web = 'shop/web@1'

test('the segment is what the program wrote, the reader knows the streams', async () => {
  const bench = openLogBench()
  try {
    const writer = bench.attach(web)
    writer.stdout('one\ntwo\n')
    bench.port.drain(writer.instance)
    writer.stderr('three\n')
    bench.port.drain(writer.instance)
    writer.stdout('four')
    bench.port.drain(writer.instance)
    writer.stdout('five\n')
    bench.port.drain(writer.instance)
    const directory = bench.directory(web)
    assert.equal(readFileSync(join(directory, 'current'), 'utf8'), 'one\ntwo\nthree\nfourfive\n')
    assert.equal(readlinkSync(join(directory, 'current')), '0000000001.log')
    assert.equal(statSync(join(directory, 'current')).mode & 0o777, 0o640)
    assert.equal(statSync(directory).mode & 0o777, 0o750)
    const items = await readAll({ directory: bench.logs, instances: [web] })
    assert.deepEqual(items.map((item) => item.kind === 'line' && [item.stream, item.text, item.isPartial]), [
      ['stdout', 'one', false], ['stdout', 'two', false], ['stderr', 'three', false],
      // A process that ended within a line does not spoil the next one's first line.
      ['stdout', 'four', true], ['stdout', 'five', false],
    ])
    assert.deepEqual(bench.port.position(writer.instance), { segment: 1, offset: 23 })
    assert.deepEqual(bench.port.stats(writer.instance), { bytes: 23, droppedBytes: 0, segments: 1 })
  } finally {
    await bench.close()
  }
})

test('what is written arrives by itself, a pipe without writers costs nothing', async () => {
  const bench = openLogBench()
  try {
    const writer = bench.attach(web)
    writer.stdout('hello\n')
    await until(() => bench.port.stats(writer.instance)?.bytes === 6, 'six bytes')
    writer.end()
    await delay(20)
    const before = process.cpuUsage()
    await delay(300)
    const { user, system } = process.cpuUsage(before)
    assert.ok(user + system < 100_000, `${user + system} µs of CPU in 300 ms at rest`)
  } finally {
    await bench.close()
  }
})

test('a new writer on a pipe that was hung up is heard', async () => {
  const bench = openLogBench()
  try {
    const writer = bench.attach(web)
    writer.stdout('first\n')
    writer.end()
    await until(() => bench.port.stats(writer.instance)?.bytes === 6, 'the first writer')
    await delay(20)
    for (const round of [1, 2]) {
      // The FIFO of stdout is the first pipe of the bench; a shell would open it the same way.
      appendFileSync(join(bench.root, 'pipe-0'), `again ${round}\n`)
      await until(() => bench.port.stats(writer.instance)?.bytes === 6 + 8 * round, `round ${round}`)
    }
  } finally {
    await bench.close()
  }
})

test('rotation by size keeps so many, nothing is lost between them', async () => {
  const bench = openLogBench()
  try {
    const writer = bench.attach(web, { maxSizeBytes: 1000, keep: 3 })
    for (let line = 0; line < 500; line += 1) {
      writer.stdout(`line ${line} of the program\n`)
      bench.port.drain(writer.instance)
    }
    const names = readdirSync(bench.directory(web)).filter((name) => name.endsWith('.log')).sort()
    assert.equal(names.length, 4)
    assert.equal(readlinkSync(join(bench.directory(web), 'current')), names.at(-1))
    const seen = texts(await readAll({ directory: bench.logs, instances: [web] }))
    const first = Number(seen[0]?.split(' ')[1])
    const expected = Array.from({ length: 500 - first }, (_, at) => `line ${first + at} of the program`)
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
    const sizes = names.filter((name) => name !== 'current')
      .map((name) => statSync(join(bench.directory(web), name)).size)
    assert.equal(bench.port.statsTotal().diskBytes, sizes.reduce((sum, size) => sum + size, 0))
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
      '0000000001.idx', '0000000001.log', 'current',
    ])
  } finally {
    await bench.close()
  }
})

test('after a crash: goes on at the end; a torn record is cut, rests of compression are removed', async () => {
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
      '0000000001.idx', '0000000001.log.zst', '0000000002.idx', '0000000002.log', 'current',
      'not-ours.txt',
    ])
    const items = await readAll({ directory: first.logs, instances: [web] })
    assert.deepEqual(texts(items), [
      'a'.repeat(99), '', 'in the old one', 'kept', 'spliced, then killed', 'after',
    ])
    assert.equal(items.at(-1)?.kind === 'line' && items.at(-1)?.timeUs !== items.at(-2)?.timeUs, true)
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

test('the total limit takes the oldest of anyone, then the largest; never what is written', async () => {
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
    assert.deepEqual(texts(await readAll({ directory: bench.logs, instances: ['shop/small@1'] })), ['small'])
    assert.deepEqual(bench.dropped.map((one) => [one.instance, one.reason]), [
      ['shop/old@1', 'total-limit'], ['shop/big@1', 'total-limit'],
    ])
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

test('300 instances: the files of the least recently written are closed, nothing is lost', async () => {
  const bench = openLogBench()
  try {
    const writers = Array.from({ length: 300 }, (_, at) => bench.attach(`many/s${at}@1`))
    const countFds = (): number => readdirSync('/proc/self/fd').length
    const before = countFds()
    for (const round of [1, 2]) {
      for (const writer of writers) writer.stdout(`round ${round}\n`)
      for (const writer of writers) bench.port.drain(writer.instance)
    }
    assert.ok(countFds() - before <= 2 * 256 + 8, `${countFds() - before} descriptors`)
    const instances = writers.map((writer) => writer.instance)
    const seen = texts(await readAll({ directory: bench.logs, instances }))
    assert.equal(seen.filter((text) => text === 'round 1').length, 300)
    assert.equal(seen.filter((text) => text === 'round 2').length, 300)
  } finally {
    await bench.close()
  }
})

test('patterns: torn lines, both streams, over rotation, from a place', async () => {
  const bench = openLogBench()
  try {
    const writer = bench.attach(web, { maxSizeBytes: 10, keep: 50 })
    const { port } = bench
    writer.stdout('ready in the past\n')
    port.drain(writer.instance)
    const from = port.position(writer.instance)
    assert.deepEqual(from, { segment: 2, offset: 0 })
    const matches: string[] = []
    let total = 'ready in the past\n'.length + 'ready on the wrong stream\n'.length
    const watch = port.watchLines(
      writer.instance, { pattern: /ready/g, stream: 'stdout', from: from ?? { segment: 1, offset: 0 } },
      (line) => {
        matches.push(line.text)
        if (matches.length === 2) watch.stop()
      },
    )
    writer.stderr('ready on the wrong stream\n')
    for (const part of ['this is re', 'ady', ' now\nnot yet\n', 'ready again\n', 'ready too late\n']) {
      writer.stdout(part)
      total += part.length
      await until(() => port.stats(writer.instance)?.bytes === total, part)
    }
    assert.deepEqual(matches, ['this is ready now', 'ready again'])
    const anew: string[] = []
    port.watchLines(
      writer.instance, { pattern: /ready in/, stream: 'any', from: { segment: 1, offset: 0 } },
      (line) => anew.push(line.text),
    )
    await until(() => anew.length === 1, 'what came before the watch')
  } finally {
    await bench.close()
  }
})

test('inline time stamps are made again after a crash, byte for byte', async () => {
  const first = openLogBench()
  const plan = { timestamps: 'inline', maxSizeBytes: 400 } as const
  const writer = first.attach(web, plan)
  for (let line = 0; line < 3; line += 1) {
    writer.stdout(`line ${line}\n`)
    writer.stderr(Buffer.from([0xff, 0x66, 10]))
    first.port.drain(writer.instance)
  }
  const path = join(first.directory(web), '0000000001.stamped.log')
  const whole = readFileSync(path)
  assert.match(whole.toString('latin1'), /^(\d{4}-\d\d-\d\dT[\d:.]{15}Z (stdout F line \d|stderr F \xfff)\n){6}$/)
  assert.equal(readlinkSync(join(first.directory(web), 'current')), '0000000001.stamped.log')
  first.port.detach(writer.instance)
  truncateSync(path, 100)
  const second = openLogBench({ directory: first.logs })
  try {
    const again = second.attach(web, plan)
    again.stdout('more\nand more, unfinished')
    await until(() => second.port.stats(again.instance)?.bytes === 25, 'more')
    const later = readFileSync(path)
    assert.ok(later.subarray(0, whole.length).equals(whole))
    assert.match(later.subarray(whole.length).toString(), /^\S+ stdout F more\n$/)
    again.stdout('x'.repeat(400))
    second.port.drain(again.instance)
    assert.match(readFileSync(path, 'latin1'), /stdout P and more, unfinishedx{400}\n$/)
    assert.deepEqual(second.errors, [])
  } finally {
    await second.close()
    await first.close()
  }
})

test('a directory that cannot be made: bytes are dropped and told, the service is not held up', async () => {
  let nowUs = Date.now() * 1000
  const bench = openLogBench({ nowUs: () => nowUs })
  try {
    writeFileSync(bench.logs, 'a file where the directory should be')
    const writer = bench.attach(web)
    for (let chunk = 0; chunk < 40; chunk += 1) {
      writer.stdout('z'.repeat(10_000))
      bench.port.drain(writer.instance)
    }
    assert.equal(bench.port.stats(writer.instance)?.droppedBytes, 400_000)
    assert.equal(bench.dropped[0]?.reason, 'ENOTDIR')
    rmSync(bench.logs)
    nowUs += 2_000_000
    writer.stdout('back\n')
    bench.port.drain(writer.instance)
    assert.equal(bench.dropped.reduce((sum, one) => sum + one.bytes, 0), 400_000)
    const seen = texts(await readAll({ directory: bench.logs, instances: [web] }))
    assert.deepEqual(seen, ['<gap 400000>', 'back'])
  } finally {
    await bench.close()
  }
})
