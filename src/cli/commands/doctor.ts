// `eudaemon doctor`: is everything as it should be? Each finding says what to do.

import type { Run } from '../deps.ts'
import { exitCodes } from '../exit-codes.ts'
import { type Finding, inspect } from '../inspect.ts'
import { createPaint, type Style } from '../print/style.ts'
import { printTable } from '../print/table.ts'

const styles: Readonly<Record<Finding['level'], Style>> = {
  ok: 'green',
  warn: 'yellow',
  fail: 'red',
}

export const run: Run = async (options, deps) => {
  const findings = await inspect(deps)
  const hasFailed = findings.some(({ level }) => level === 'fail')
  const exitCode = hasFailed ? exitCodes.failed : exitCodes.done
  if (options.has('json')) {
    return { output: { stdout: `${JSON.stringify(findings, null, 2)}\n` }, exitCode }
  }
  const paint = createPaint(deps.out.hasColour)
  const rows = findings.map(({ level, name, detail, remedy }) => [
    paint(styles[level], level.padEnd(4)),
    name,
    remedy === null ? detail : `${detail}. ${remedy}`,
  ])
  return { output: { stdout: printTable(rows) }, exitCode }
}
