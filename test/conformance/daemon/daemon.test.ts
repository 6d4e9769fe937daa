// runs-as: nobody
// Conformance of daemons: each way to start one is measured from a hostile start with a probe program
// and judged by rules.ts. Ours must be right in every row; the table of all is the page
// docs/daemons/conformance.md (after a change that is meant: node test/conformance/daemon/
// daemon.test.ts --rewrite as root, and read the difference).

import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { skipUnless } from '../../support/skip.ts'
import { compile } from './hostile-start.ts'
import { type Measurement, measure, type Scenario } from './measure.ts'
import { type PageColumn, printPage, printVerdict, readVersions } from './page.ts'
import { type Measured, rules } from './rules.ts'
import { type Subject, subjects } from './subjects.ts'

const page = join(import.meta.dirname, '../../../docs/daemons/conformance.md')
const isRewriting = process.argv.includes('--rewrite')
const isRoot = process.getuid?.() === 0

/** Long enough that a command which does not wait for it has returned. */
const READY_AFTER_MS = 1_000

const folder = mkdtempSync(join(tmpdir(), 'eudaemon-conformance-'))
after(() => rmSync(folder, { recursive: true, force: true }))
// Daemons of another user execute the probe.
chmodSync(folder, 0o755)
const hostile = compile('hostile', folder)
const probe = compile('probe', folder)

const results = new Map<string, Measured>()

async function measureAll(subject: Subject): Promise<Measured> {
  assert.ok(hostile !== undefined && probe !== undefined)
  const plain: Scenario = { umask: '777', user: null, readyAfterMs: null }
  const run = (scenario: Partial<Scenario>): Promise<Measurement | null> =>
    measure(subject, { ...plain, ...scenario }, { hostile, probe })
  const strict = await run({})
  const lax = await run({ umask: '000' })
  assert.ok(strict !== null && lax !== null)
  return {
    strict,
    lax,
    asUser: isRoot ? await run({ user: 'nobody', umask: '000' }) : null,
    waiting: await run({ readyAfterMs: READY_AFTER_MS }),
  }
}

for (const subject of subjects) {
  test(`a daemon started by ${subject.name}`, async (t) => {
    if (skipUnless(t, hostile !== undefined && probe !== undefined, 'no C compiler')) return
    if (skipUnless(t, subject.version() !== null, `${subject.name} is not installed`)) return
    const measured = await measureAll(subject)
    results.set(subject.name, measured)
    if (!subject.isOurs) return
    const wrong = rules.flatMap(({ rule, judge }) => {
      const verdict = judge(measured)
      if (verdict.kind === 'right' || verdict.kind === 'unknown') return []
      return [`${rule}: ${printVerdict(verdict)}`]
    })
    assert.deepEqual(wrong, [])
  })
}

test('the page says what was measured', (t) => {
  const before = readPage()
  const versions = readVersions(before)
  const columns = subjects.map((subject): PageColumn => {
    const version = results.has(subject.name) ? subject.version() : null
    const isOther = version !== versions.get(subject.name) && !subject.isOurs && !isRewriting
    if (isOther) t.diagnostic(`${subject.name}: ${version} is not what the page speaks of`)
    return { subject, version: isOther ? null : version }
  })
  const rows = rules.map(({ rule, source, judge }) => ({
    rule,
    source,
    cells: columns.map(({ subject, version }) => {
      const measured = version === null ? undefined : results.get(subject.name)
      return measured === undefined ? null : printVerdict(judge(measured))
    }),
  }))
  const now = printPage(columns, rows, before)
  if (isRewriting) {
    mkdirSync(dirname(page), { recursive: true })
    writeFileSync(page, now)
  } else assert.equal(now, before, 'not what was measured; see the opening of this file')
})

function readPage(): string {
  try {
    return readFileSync(page, 'utf8')
  } catch {
    assert.ok(isRewriting, `there is no ${page}`)
    return ''
  }
}
