// runs-as: nobody
// What the options of `eudaemon run` do to the process: read by the daemon itself, in /proc or by
// the shell.

import assert from 'node:assert/strict'
import { mkdirSync, statSync } from 'node:fs'
import { test } from 'node:test'
import type { RunOptions } from '../support/command.ts'
import { type Daemons, openDaemons } from '../support/daemons.ts'
import { compile, findInstalled } from '../support/programs.ts'
import { isRoot } from '../support/rights.ts'
import { skipUnless } from '../support/skip.ts'

/** What a shell script prints as a daemon; it has ended afterwards. */
async function probe(
  place: Daemons,
  words: readonly string[],
  script: string,
  options?: RunOptions,
): Promise<string> {
  place.remove('out')
  const out = ['--ready', 'log=^done$', '--stdout', place.path('out')]
  const command = ['--', '/bin/sh', '-c', `${script}\necho done`]
  const { status, stderr } = await place.run([...out, ...words, ...command], options)
  assert.equal(status, 0, stderr)
  await place.over()
  return place.read('out').replace(/done\n$/, '')
}

test('umask, niceness, working directory', async (context) => {
  const place = openDaemons(context)
  assert.equal(await probe(place, [], 'umask; nice; pwd'), '0022\n0\n/\n')
  const words = ['--umask', '027', '--nice', '5', '--chdir', place.folder]
  assert.equal(await probe(place, words, 'umask; nice; pwd'), `0027\n5\n${place.folder}\n`)
  const relative = ['--chdir', 'xdg']
  const options = { cwd: place.folder }
  assert.equal(await probe(place, relative, 'pwd', options), `${place.path('xdg')}\n`)
})

test('limits: core dumps are off, others are as we had them', async (context) => {
  const place = openDaemons(context)
  const script = 'ulimit -Sc; ulimit -Hc; ulimit -Sn; ulimit -Hn; ulimit -St; ulimit -Ht'
  const prefix = ['sh', '-c', 'ulimit -Sn 100 && ulimit -Hn 200 && "$@"; exit', 'sh']
  const plain = await probe(place, [], script, { prefix })
  assert.equal(plain, '0\n0\n100\n200\nunlimited\nunlimited\n')
  const limits = ['nofile=50:80', 'cpu=100:unlimited'].flatMap((limit) => ['--limit', limit])
  const given = await probe(place, limits, script, { prefix })
  assert.equal(given, '0\n0\n50\n80\n100\nunlimited\n')
  const withCores = ['sh', '-c', 'ulimit -Sc 0; exec "$@"', 'sh']
  const core = await probe(place, ['--core'], 'ulimit -Sc', { prefix: withCores })
  assert.equal(core, '0\n')
  const own = await probe(place, ['--core', '--limit', 'core=4096'], 'ulimit -Sc')
  assert.equal(own, '8\n')
  const refused = await place.run(['--limit', 'nofile=99999999', '--', 'true'])
  assert.equal(refused.status, 111)
  assert.match(refused.stderr, /limits: nofile/)
})

test('few descriptors: a soft limit of 64 is enough, and handed on', async (context) => {
  const place = openDaemons(context)
  for (const kind of ['-Sn', '-n']) {
    const prefix = ['sh', '-c', `ulimit ${kind} 64 && "$@"; exit`, 'sh']
    assert.equal(await probe(place, ['-p', place.path('p')], 'ulimit -Sn', { prefix }), '64\n')
  }
})

test('the environment: sanitised, kept, cleared, added to', async (context) => {
  const place = openDaemons(context)
  const file = place.write('env', '# comment\nFROM_FILE="two words"\nBOTH=file\n')
  const env = { TERM: 'vt100', SSH_TTY: '/dev/pts/9', KEPT: 'yes', LD_BIND_NOW: '1', BOTH: 'own' }
  const script =
    'env | grep -E "^(TERM|SSH_TTY|KEPT|LD_BIND_NOW|BOTH|FROM_FILE|ADDED|PATH)=" | sort'
  const path = `PATH=${process.env['PATH']}\n`
  assert.equal(await probe(place, [], script, { env }), `BOTH=own\nKEPT=yes\n${path}`)
  const cleared = await probe(place, ['--clear-env', '--env', 'KEPT'], script, { env })
  assert.equal(cleared, `KEPT=yes\n${path}`)
  const kept = await probe(place, ['--keep-env'], script, { env })
  assert.equal(kept, `BOTH=own\nKEPT=yes\nLD_BIND_NOW=1\n${path}SSH_TTY=/dev/pts/9\nTERM=vt100\n`)
  const words = ['--environment-file', file, '--env', 'ADDED=a=b c', '--env', 'TERM=dumb']
  const added = await probe(place, words, script, { env })
  assert.equal(added, `ADDED=a=b c\nBOTH=file\nFROM_FILE=two words\nKEPT=yes\n${path}TERM=dumb\n`)
  const odd = await probe(
    place,
    ['--env', 'a.b-c=1', '--env', 'IFS=x'],
    'tr "\\0" "\\n" </proc/$$/environ',
  )
  assert.match(odd, /^a\.b-c=1$/m)
  assert.match(odd, /^IFS=x$/m)
})

test('descriptors: none but its own, and those that are named', async (context) => {
  const place = openDaemons(context)
  place.write('text', 'kept\n')
  const script = 'exec "$@" 4<"$0" 5<"$0" 9<"$0" 12<"$0"'
  const bash = ['bash', '-c', script, place.path('text')]
  const list = 'for f in /proc/$$/fd/*; do printf "%s " ${f##*/}; done; echo'
  const none = await probe(place, [], list, { prefix: bash })
  assert.equal(none.trim().split(' ').slice(0, 3).join(' '), '0 1 2')
  assert.ok(!/\b(?:4|5|9|12)\b/.test(none), none)
  const words = ['--keep-fd', '5', '--keep-fd', '12', '--keep-fd', '9']
  const kept = await probe(place, words, `${list}; cat <&5; cat /proc/$$/fd/12`, { prefix: bash })
  assert.match(kept, /\b5 9 12|\b12\b.*\b5 9/)
  assert.match(kept, /kept\nkept\n$/)
})

test('standard input from a file, output appended to files that it makes', async (context) => {
  const place = openDaemons(context)
  const input = place.write('in', 'hello\n')
  const prefix = ['sh', '-c', 'umask 0; exec "$@"', 'sh']
  const words = ['--ready', 'notify', '--stdin', input, '--stdout', 'both', '--stderr', 'both']
  const command = ['--', 'sh', '-c', 'cat; echo error >&2; echo out; exit 3']
  for (const round of [1, 2]) {
    const { status, stderr } = await place.run([...words, ...command], {
      cwd: place.folder,
      prefix,
    })
    assert.equal(status, 3)
    assert.match(stderr, /^(?:hello\n)?error\n/, 'standard error is shown while it starts')
    assert.equal(place.read('both'), 'hello\nerror\nout\n'.repeat(round))
  }
  assert.equal(statSync(place.path('both')).mode & 0o777, 0o640)
  const fifo = await probe(place, ['--stdin', '/dev/zero'], 'head -c 3 | od -An -c')
  assert.equal(fifo.trim().replace(/\s+/g, ' '), '\\0 \\0 \\0')
})

test('user and groups', async (context) => {
  if (skipUnless(context, isRoot, 'needs root')) return
  const place = openDaemons(context)
  const script = 'id -un; id -gn; id -Gn; echo $HOME $USER $LOGNAME'
  const nobody = await probe(place, ['--user', 'nobody'], script)
  assert.equal(nobody, 'nobody\nnogroup\nnogroup\n/nonexistent nobody nobody\n')
  const words = ['--user', 'www-data:adm', '--groups', 'daemon,mail', '--env', 'HOME=/mine']
  const other = await probe(place, words, script)
  assert.match(
    other,
    /^www-data\nadm\nadm (?:daemon mail|mail daemon)\n\/mine www-data www-data\n$/,
  )
  const bare = await probe(place, ['--user', '54321:54322'], 'id -u; id -g; id -G')
  assert.equal(bare, '54321\n54322\n54322\n')
  const group = await probe(place, ['--group', 'mail'], 'id -un; id -gn')
  assert.equal(group, 'root\nmail\n')
  const caps = await probe(
    place,
    ['--user', 'nobody'],
    'grep -E "Cap(Eff|Prm|Inh)" /proc/$$/status',
  )
  assert.match(caps, /^(?:Cap\w+:\s0+\n){3}$/)
})

test('a root directory with nothing but the program', async (context) => {
  if (skipUnless(context, isRoot, 'needs root')) return
  if (skipUnless(context, findInstalled('cc') !== null, 'there is no C compiler')) return
  const place = openDaemons(context)
  const root = place.path('root')
  mkdirSync(`${root}/bin`, { recursive: true })
  mkdirSync(`${root}/var`)
  compile('root-probe.c', `${root}/bin`, ['-static'])
  const cases: readonly (readonly [words: readonly string[], said: string])[] = [
    [['--', '/bin/root-probe'], 'cwd=/\npasswd=none\nuid=0 '],
    [['--chdir', '/var', '--', 'root-probe', 'x'], 'cwd=/var\npasswd=none\nuid=0 '],
    [['-u', 'nobody', '--', '/bin/root-probe'], 'cwd=/\npasswd=none\nuid=65534 gid=65534 groups='],
  ]
  for (const [words, said] of cases) {
    place.remove('out')
    const out = ['--root', root, '--ready', 'log=^done$', '--stdout', place.path('out')]
    const { status, stderr } = await place.run([...out, '-p', place.path('d.pid'), ...words])
    assert.equal(status, 0, stderr)
    await place.over()
    assert.ok(place.read('out').startsWith(said), place.read('out'))
  }
  const gone = await place.run(['--root', root, '--', '/bin/sh'])
  assert.equal(gone.status, 127, gone.stderr)
})

test('signals: nothing blocked, nothing ignored, whatever we had', async (context) => {
  const place = openDaemons(context)
  const prefix = ['sh', '-c', 'trap "" HUP INT QUIT PIPE TERM CHLD USR2; exec "$@"', 'sh']
  // Without a fork: dash blocks all signals until its child has been executed.
  const script =
    'while read -r name mask; do case $name in SigBlk:|SigIgn:) echo "$name $mask";; esac; done' +
    ' </proc/$$/status'
  const masks = await probe(place, [], script, { prefix })
  assert.equal(masks, 'SigBlk: 0000000000000000\nSigIgn: 0000000000000000\n')
})
