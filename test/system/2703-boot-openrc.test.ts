// The OpenRC script under the real OpenRC: its package is unpacked, not installed, and laid over
// the system in a mount and process namespace of its own, which ends with the test.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../support/children.ts'
import { freePort } from '../support/ports.ts'
import { isRoot } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'
import { printed } from '../support/web-daemon.ts'

const TIME_OUT_MS = 120_000

/** What openrc(8) makes at boot, and what Debian leaves to other packages. */
const boot = `
mount -t overlay overlay -o "lowerdir=$1:/usr" /usr
mount -t overlay overlay -o "lowerdir=$1/etc:/etc" /etc
mount -t tmpfs tmpfs /etc/conf.d
mount -t tmpfs tmpfs /run
for state in failed hotplugged daemons inactive scheduled started starting stopped stopping \\
  wasinactive crashed exclusive options tmp; do mkdir -p "/run/openrc/$state"; done
touch /run/openrc/softlevel
act() { rc-service -q web "$@" >>/run/said 2>&1; echo "$* $?"; }
ask() { "$2" -e "fetch('http://127.0.0.1:$3/').then(async (answer) => {
  const { env, words } = await answer.json()
  const left = Object.keys(env).filter((name) => /^(RC|EINFO)_|^SVCNAME$/.test(name))
  console.log('answers', words.join(), left.join(), env.PATH.includes('/rc/') ? 'path' : '')
})"; }
`

const steps = `
act status
act start; ask "$@"
act status
act start
act reload
kill -9 "$(head -n 1 /run/web.pid)"
while kill -0 "$(head -n 1 /run/web.pid)" 2>/dev/null; do sleep 0.01; done
act status
act stop
act status
echo DAEMON_ARGS=one >/etc/conf.d/web
act restart; ask "$@"
act stop
echo DAEMON_ARGS=fail >/etc/conf.d/web
act start
act status
cat /run/said >&2
`

const expected = `\
status 3
start 0
answers   
status 0
start 0
reload 0
status 32
stop 0
status 3
restart 0
answers one  
stop 0
start 1
status 3
`

/** The unpacked packages, or null when they cannot be had. */
function unpack(context: TestContext): string | null {
  const folder = temporaryFolder(context)
  const root = join(folder, 'root')
  const packages = ['openrc', 'librc1', 'libeinfo1']
  const download = ['-qq', '-o', 'APT::Sandbox::User=root', 'download', ...packages]
  const got = spawnSync('apt-get', download, { cwd: folder, timeout: TIME_OUT_MS })
  if (got.status !== 0) return null
  for (const name of readdirSync(folder)) {
    const { status } = spawnSync('dpkg-deb', ['-x', join(folder, name), root])
    assert.equal(status, 0, name)
  }
  return root
}

test('the life of a daemon under OpenRC', async (context) => {
  if (skipUnless(context, isRoot, 'only root can lay OpenRC over the system')) return
  const isDebian = existsSync('/etc/debian_version')
  const root = isDebian ? unpack(context) : null
  if (skipUnless(context, root !== null, 'the packages of OpenRC cannot be downloaded')) return
  assert.ok(root !== null)
  const port = await freePort()
  const script = await printed('print-openrc-script', 'web', port)
  for (const folder of ['etc/conf.d', 'etc/insserv.conf.d']) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  writeFileSync(join(root, 'etc/insserv.conf'), '')
  const place = '#!/sbin/openrc-run\nstart() { :; }\n'
  for (const [name, text] of [
    ['web', script],
    ['localmount', place],
  ] as const) {
    writeFileSync(join(root, 'etc/init.d', name), text, { mode: 0o755 })
  }
  const alone = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
  const shell = ['sh', '-c', boot + steps, 'sh', root, process.execPath, String(port)]
  const { stdout, stderr } = spawnSync('unshare', [...alone, ...shell], {
    encoding: 'utf8',
    timeout: TIME_OUT_MS,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  })
  assert.equal(stdout, expected, stderr)
  assert.match(stderr, /told to fail/)
})
