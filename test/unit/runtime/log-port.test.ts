// The log port: capture, patterns, inline stamps, dropping. Real pipes, real files.

import assert from 'node:assert/strict'
import {
  appendFileSync,
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
    assert.deepEqual(
      items.map((item) => item.kind === 'line' && [item.stream, item.text, item.isPartial]),
      [
        ['stdout', 'one', false],
        ['stdout', 'two', false],
        ['stderr', 'three', false],
        // A process that ended within a line does not spoil the next one's first line.
        ['stdout', 'four', true],
        ['stdout', 'five', false],
      ],
    )
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
      await until(
        () => bench.port.stats(writer.instance)?.bytes === 6 + 8 * round,
        `round ${round}`,
      )
    }
  } finally {
    await bench.close()
  }
})

test('300 instances: the files of the least recently written are closed', async () => {
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
      writer.instance,
      { pattern: /ready/g, stream: 'stdout', from: from ?? { segment: 1, offset: 0 } },
      (line) => {
        matches.push(line.text)
        if (matches.length === 2) watch.stop()
      },
    )
    writer.stderr('ready on the wrong stream\n')
    for (const part of [
      'this is re',
      'ady',
      ' now\nnot yet\n',
      'ready again\n',
      'ready too late\n',
    ]) {
      writer.stdout(part)
      total += part.length
      await until(() => port.stats(writer.instance)?.bytes === total, part)
    }
    assert.deepEqual(matches, ['this is ready now', 'ready again'])
    const anew: string[] = []
    port.watchLines(
      writer.instance,
      { pattern: /ready in/, stream: 'any', from: { segment: 1, offset: 0 } },
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
  assert.match(
    whole.toString('latin1'),
    /^(\d{4}-\d\d-\d\dT[\d:.]{15}Z (stdout F line \d|stderr F \xfff)\n){6}$/,
  )
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

test('a directory that cannot be made: bytes are dropped, counted and told', async () => {
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
    assert.equal(
      bench.dropped.reduce((sum, one) => sum + one.bytes, 0),
      400_000,
    )
    const seen = texts(await readAll({ directory: bench.logs, instances: [web] }))
    assert.deepEqual(seen, ['<gap 400000>', 'back'])
  } finally {
    await bench.close()
  }
})
