// runs-as: nobody
// Conformance of daemons: each way to start one is measured from a hostile start with a probe and
// judged by rules.ts. Ours must be right in every row; the table of all is the page
// docs/daemons/conformance.md (after a change that is meant: as root, node
// test/conformance/daemon/daemon.test.ts --rewrite, and read the difference).

import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { skipUnless } from '../../support/skip.ts'
import { wantedEnvironment } from './hostile-environment.ts'
import { compile } from './hostile-start.ts'
import { type Measurement, measure, type Scenario } from './measure.ts'
import { type PageColumn, printPage, printVerdict, readVersions } from './page.ts'
import type { ProbeReport } from './probe-report.ts'
import { type Measured, rules, type Verdict } from './rules.ts'
import { nodeUnderRun, type Subject, subjects } from './subjects.ts'

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

/** Denies others everything; the owner's own rights are needed by some peers. */
const STRICT = '077'

async function measureOne(
  subject: Subject,
  scenario: Partial<Scenario>,
): Promise<Measurement | 'not-offered'> {
  assert.ok(hostile !== undefined && probe !== undefined)
  const all: Scenario = { umask: STRICT, user: null, readyAfterMs: null, ...scenario }
  return (await measure(subject, all, { hostile, probe })) ?? 'not-offered'
}

async function measureAll(subject: Subject): Promise<Measured> {
  const strict = await measureOne(subject, {})
  const lax = await measureOne(subject, { umask: '000' })
  assert.ok(strict !== 'not-offered' && lax !== 'not-offered')
  const waiting = { readyAfterMs: READY_AFTER_MS }
  return {
    strict,
    lax,
    asUser: isRoot ? await measureOne(subject, { user: 'nobody' }) : 'not-measured',
    // start-stop-daemon needs a folder of root's for it.
    waiting: isRoot || subject.isOurs ? await measureOne(subject, waiting) : 'not-measured',
  }
}

function assertRight(measured: Measured, mayLack: Verdict['kind'] | null): void {
  const wrong = rules.flatMap(({ rule, judge }) => {
    const verdict = judge(measured)
    const isRight = ['right', 'unknown', mayLack].includes(verdict.kind)
    return isRight ? [] : [`${rule}: ${printVerdict(verdict)}`]
  })
  assert.deepEqual(wrong, [])
}

for (const subject of [...subjects, nodeUnderRun]) {
  test(`a daemon started by ${subject.name}`, async (t) => {
    if (skipUnless(t, hostile !== undefined && probe !== undefined, 'no C compiler')) return
    if (skipUnless(t, subject.version() !== null, `${subject.name} is not installed`)) return
    const measured = await measureAll(subject)
    results.set(subject.name, measured)
    if (!subject.isOurs) return
    assertRight(measured, subject === nodeUnderRun ? 'not-offered' : null)
  })
}

for (const subject of subjects.filter(({ isOurs }) => isOurs)) {
  test(`${subject.name}, started with a umask that denies everything`, async (t) => {
    if (skipUnless(t, hostile !== undefined && probe !== undefined, 'no C compiler')) return
    const strict = await measureOne(subject, { umask: '777' })
    const lax = results.get(subject.name)?.lax
    assert.ok(strict !== 'not-offered' && lax !== undefined)
    const waiting = await measureOne(subject, { umask: '777', readyAfterMs: READY_AFTER_MS })
    assertRight({ strict, lax, asUser: 'not-measured', waiting }, null)
    assert.deepEqual(strict.unusable, [])
  })
}

test('eudaemon run: what it passes on, and what it does not touch', async (t) => {
  if (skipUnless(t, hostile !== undefined && probe !== undefined, 'no C compiler')) return
  const measured = results.get('eudaemon run')
  assert.ok(measured !== undefined)
  const { strict, waiting } = measured
  const entries = (environment: object): readonly string[] =>
    Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  // PWD is the working directory it really has.
  const given = { PWD: '/', EUDAEMON_EXEC_PID: String(strict.report.pid) }
  const wanted = entries({ ...wantedEnvironment(strict.folder), ...given })
  assert.deepEqual([...strict.report.environment].sort(), [...wanted].sort())
  assert.ok(typeof waiting !== 'string')
  const added = waiting.report.environment.map((entry) => entry.replace(/=.*/, ''))
  const own = added.filter((name) => !wanted.some((entry) => entry.startsWith(`${name}=`)))
  assert.deepEqual(own.sort(), ['EUDAEMON_READY', 'NOTIFY_SOCKET'])

  const kept = strict.report.descriptors.filter(({ fd }) => fd > 2)
  assert.deepEqual(
    kept.map(({ target, access }) => `${access} ${target}`),
    [`read ${strict.folder}/probe.pid`],
  )
  assert.equal(strict.report.umask, 0o022)

  // An operator's choice, not the shell's: niceness, scheduling, other limits, groups.
  const untouched = results.get('nohup &')?.strict.report
  if (skipUnless(t, untouched !== undefined, 'nothing to compare with')) return
  const of = (report: ProbeReport | undefined): object => {
    assert.ok(report !== undefined)
    const { nice, scheduler, groups, noNewPrivileges, dumpable, limits } = report
    return { nice, scheduler, groups, noNewPrivileges, dumpable, limits: { ...limits, core: 0 } }
  }
  assert.deepEqual(of(strict.report), of(untouched))
})

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
