// Control groups of a home whose supervisors were begun from different places: what the first one
// made is tracked by the next, and nothing of it is left behind. Needs root and control groups.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { findCgroupRoot } from '../../src/kernel/cgroup.ts'
import { killBoth } from '../support/deaths.ts'
import { openHome } from '../support/home.ts'
import { isRoot } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'
import { until } from '../support/until.ts'

/** A group to begin commands in, removed at the end of the test. */
function makePlace(context: TestContext, root: string, name: string): string {
  const place = join(root, `eudaemon-test-${process.pid}-${name}`)
  mkdirSync(place)
  context.after(() => rmdirSync(place))
  return place
}

const inPlace = (place: string) => [
  ...['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', place],
]

test('1310 groups of a former supervisor are used, and removed in the end', async (context) => {
  const found = findCgroupRoot()
  const root = isRoot && 'path' in found ? found.path : null
  if (skipUnless(context, root !== null, 'needs root and control groups')) return
  const home = openHome(context)
  const places = ['one', 'two'].map((name) => makePlace(context, root ?? '', name))
  const [one = '', two = ''] = places
  const pidFile = join(home.project, 'escaped')
  // What gets away has no environment and no pipe by which it could be known.
  const getAway = `setsid env -i sh -c 'sleep 1000 & echo $! > ${pidFile}' >/dev/null 2>&1`
  home.write('eudaemon.toml', `services.web.command = "sleep 0.3; ${getAway}; exec sleep 1000"`)
  const up = await home.run(['up', '-d'], { prefix: inPlace(one) })
  assert.equal(up.status, 0, up.stderr)
  const pid = await until('the process that gets away', () => {
    return existsSync(pidFile) && Number(readFileSync(pidFile, 'utf8'))
  })
  assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), /^0::.*-one\/eudaemon-.*web@1$/m)
  await killBoth(home)
  assert.equal((await home.run(['up', '-d'], { prefix: inPlace(two) })).status, 0)
  assert.equal((await home.run(['restart', 'web'])).status, 0)
  await until('the one of the first life to be gone', () => !existsSync(`/proc/${pid}`))
  assert.equal((await home.run(['down'])).status, 0)
  await until('an empty home', () => home.processes().length === 0)
  for (const place of places) {
    const left = readdirSync(place).filter((name) => name.startsWith('eudaemon-'))
    assert.deepEqual(left, [], place)
  }
})
