// Data to text, as people see it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printCounts, printDiagnostics } from '../../../src/cli/print/diagnostics.ts'
import { createLinePrinter, printTime } from '../../../src/cli/print/log-lines.ts'
import { printStatus } from '../../../src/cli/print/status.ts'
import { createPaint, toSafeLine, widthOf } from '../../../src/cli/print/style.ts'
import { printTable } from '../../../src/cli/print/table.ts'
import { explainExit, printWhy } from '../../../src/cli/print/why.ts'
import type { LogItem } from '../../../src/protocol/log-line.ts'
import { row } from '../../support/fake-target.ts'

const nowMs = Date.parse('2026-11-21T05:01:05.500Z')

const killedFromOutside = '(killed: by somebody, a stop timeout, or for want of memory)'

test('a table of status', () => {
  const rows = [
    row('shop/web@1', 'up', { restarts: 2 }),
    row('shop/web@2', 'backoff', { reason: 'exit 3', exit: { code: 3 } }),
    row('shop/db@1', 'up', { drift: true, since: '2026-11-21T05:01:05.000Z' }),
    row('shop/migrate@1', 'up', { pid: null }),
    row('shop/old@1', 'down', { exit: { signal: 'SIGKILL' } }),
  ]
  const text = printStatus({ rows, nowMs, hasColour: false, showsProject: false })
  assert.equal(
    text,
    `SERVICE  PHASE    PID   SINCE    RESTARTS
web@1    up       4711  1min 5s  2
web@2    backoff  -     1min 5s  0         exit 3
db       up       4711  now      0         differs from the file: \`eudaemon plan\` shows how
migrate  up       -     1min 5s  0         done
old      down     -     1min 5s  0         SIGKILL
`,
  )
})

test('no rows, no table; several projects, their names', () => {
  assert.equal(printStatus({ rows: [], nowMs, hasColour: false, showsProject: false }), '')
  const rows = [row('shop/web@1', 'up')]
  assert.match(printStatus({ rows, nowMs, hasColour: false, showsProject: true }), /^shop\/web /m)
})

test('colour changes nothing but colour', () => {
  const rows = [row('shop/web@1', 'failed', { reason: 'burst limit' }), row('shop/b@1', 'up')]
  const view = { rows, nowMs, showsProject: false }
  const coloured = printStatus({ ...view, hasColour: true })
  assert.ok(coloured.includes('\u001b[31mfailed\u001b[39m'))
  const colour = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')
  const plain = coloured.replaceAll(colour, '')
  assert.equal(plain, printStatus({ ...view, hasColour: false }))
})

test('tables: the last column is cut to the terminal, the others never', () => {
  const rows = [
    ['a', 'x'.repeat(50)],
    ['long name', 'short'],
  ]
  const lines = printTable(rows, 40).split('\n')
  assert.equal(lines[0], `a          ${'x'.repeat(28)}…`)
  assert.equal(printTable(rows).split('\n')[0], `a          ${'x'.repeat(50)}`)
  assert.equal(printTable([]), '')
})

test('wide characters take two columns, combining ones none', () => {
  assert.equal(widthOf('日本'), 4)
  assert.equal(widthOf('e\u0301'), 1)
  assert.equal(widthOf(createPaint(true)('red', 'abc')), 3)
})

test('what a service writes cannot steer the terminal, but may be coloured', () => {
  assert.equal(toSafeLine('plain\ttext é 日'), 'plain\ttext é 日')
  assert.equal(toSafeLine('\u001b[31mred\u001b[0m'), '\u001b[31mred\u001b[0m\u001b[0m')
  assert.equal(toSafeLine('a\u001b[2Jb'), 'a^[[2Jb')
  assert.equal(toSafeLine('\u001b]0;title\u0007'), '^[]0;title^G')
  assert.equal(toSafeLine('50%\r100%'), '50%100%')
  assert.equal(toSafeLine('\u007f\u009b'), '^?M-^[')
})

test('log lines: names in a column, a colour for each service, gaps are told', () => {
  const line = (instance: string, text: string): LogItem => {
    return { kind: 'line', instance, timeUs: 0, stream: 'stdout', text, isPartial: false }
  }
  const options = { showsTime: false, showsProject: false, showsName: true, instances: [] }
  const printer = createLinePrinter({
    ...options,
    hasColour: false,
    isTerminal: true,
    instances: ['shop/web@1', 'shop/worker@1'],
  })
  assert.equal(printer.logItem(line('shop/web@1', 'hello\u001b[2J')), 'web@1    | hello^[[2J\n')
  const gap: LogItem = { kind: 'gap', instance: 'shop/worker@1', timeUs: 0, bytes: 12 }
  assert.equal(
    printer.logItem(gap),
    'worker@1 | [12 bytes are missing here: they could not be stored]\n',
  )
  const coloured = createLinePrinter({ ...options, hasColour: true, isTerminal: false })
  const colourOf = (id: string) => /\[(\d+)m/.exec(coloured.logItem(line(id, '\u0007')))?.[1]
  assert.notEqual(colourOf('shop/web@1'), colourOf('shop/db@1'))
  assert.equal(colourOf('shop/web@1'), colourOf('shop/web@2'))
  assert.ok(coloured.logItem(line('shop/db@1', '\u0007')).includes('\u0007'))
})

test('times of log lines have microseconds', () => {
  assert.equal(printTime(1_795_237_200_000_042), '2026-11-21T05:00:00.000042Z')
})

test('diagnostics: the place, the line, a caret, what to do', () => {
  const text = '[services.web]\n\tcomand = "x"\n'
  const diagnostics = [
    {
      severity: 'error' as const,
      code: 'unknown-key',
      message: "unknown key 'comand'",
      hint: "Did you mean 'command'?",
      position: { file: 'eudaemon.toml', line: 2, column: 2 },
      setting: 'services.web.comand',
    },
    { severity: 'warning' as const, code: 'suspicious', message: 'odd' },
  ]
  const textOf = (file: string) => (file === 'eudaemon.toml' ? text : undefined)
  assert.equal(
    printDiagnostics({ diagnostics, textOf, hasColour: false }),
    `eudaemon.toml:2:2: error: unknown key 'comand' [services.web.comand]
    2 |  comand = "x"
      |  ^
    Did you mean 'command'?
warning: odd
`,
  )
  assert.equal(printCounts(diagnostics), '1 error, 1 warning')
  assert.equal(printCounts([]), '')
})

test('a place far to the right is shown with what is around it', () => {
  const text = `${'a'.repeat(500)}!${'b'.repeat(500)}`
  const position = { file: 'f', line: 1, column: 501 }
  const diagnostics = [{ severity: 'error' as const, code: 'syntax', message: 'm', position }]
  const lines = printDiagnostics({ diagnostics, textOf: () => text, hasColour: false }).split('\n')
  assert.ok((lines[1]?.length ?? 999) < 140)
  assert.equal(lines[1]?.[lines[2]?.indexOf('^') ?? -1], '!')
})

test('why: a chain of causes, the last end in words, what comes next', () => {
  const text = printWhy({
    answer: {
      status: row('shop/web@1', 'waiting', { reason: null, restarts: 1 }),
      transitions: [],
      blockedBy: [{ instance: 'shop/db@1', phase: 'failed', reason: 'exit 127' }],
      lastExit: { exit: { signal: 'SIGKILL' }, at: '2026-11-21T05:00:05.500Z' },
      log: { droppedBytes: 2048 },
      next: "starts as soon as 'db@1' is up",
    },
    lines: ['one', 'two\u001b[2J'],
    nowMs,
    hasColour: false,
    isTerminal: true,
  })
  assert.equal(
    text,
    `web@1 is waiting since 1min 5s.
It was restarted once automatically.
It waits for shop/db@1, which is failed: exit 127.
It last ended 1min ago: SIGKILL ${killedFromOutside}.
Next: starts as soon as 'db@1' is up.
2 KiB of its log could not be stored.

Last lines:
  one
  two^[[2J
`,
  )
  assert.equal(explainExit({ code: 137 }), 'exit 137 (what a shell says for signal 9)')
  assert.equal(explainExit({ code: 42 }), 'exit 42')
  assert.equal(explainExit({ unknown: true }), 'nobody could see its exit status')
})
