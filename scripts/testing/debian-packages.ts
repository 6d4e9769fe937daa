// The Debian packages that the tests use. As root on Debian they are installed when missing, with
// nothing started by the installation; otherwise the runner only says what is missing.

import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'

const needed: readonly string[] = [
  ...['nginx', 'redis-server', 'openssh-server', 'supervisor', 'runit', 's6', 'daemontools'],
  ...['python3-daemon', 'daemonize', 'daemon'],
  ...['tmux', 'procps', 'util-linux', 'gcc', 'libc6-dev', 'python3', 'zsh', 'fish'],
  ...['systemd', 'python3-systemd', 'python3-sdnotify', 'shellcheck', 'libplist-utils'],
]

const POLICY = '/usr/sbin/policy-rc.d'

/** What is there after trying; `problem` is null unless an installation was tried and failed. */
export interface PackageState {
  readonly missing: readonly string[]
  readonly problem: string | null
}

/** Installs what is missing when that is possible; says on the terminal what it does. */
export function ensurePackages(): PackageState {
  if (!existsSync('/etc/debian_version')) {
    console.log(`Not a Debian system: tests that need one of ${needed.join(', ')} may skip.`)
    return { missing: [], problem: null }
  }
  const missing = findMissing()
  if (missing.length === 0) {
    console.log('Debian packages: all present.')
    return { missing, problem: null }
  }
  if (process.getuid?.() !== 0) {
    console.log(`Debian packages missing (not root, so not installed): ${missing.join(' ')}`)
    console.log('Tests that need them skip.')
    return { missing, problem: null }
  }
  console.log(`Installing Debian packages: ${missing.join(' ')}`)
  const isInstalled = withNothingStarted(() => install(missing))
  const rest = findMissing()
  const problem = isInstalled && rest.length === 0 ? null : `apt-get failed: ${rest.join(' ')}`
  return { missing: rest, problem }
}

function findMissing(): readonly string[] {
  const format = '${db:Status-Status} ${Package}\n'
  const query = spawnSync('dpkg-query', ['-W', '-f', format, ...needed], { encoding: 'utf8' })
  const installed = new Set((query.stdout ?? '').split('\n'))
  return needed.filter((name) => !installed.has(`installed ${name}`))
}

function install(names: readonly string[]): boolean {
  const strict = ['-o', 'APT::Update::Error-Mode=any', '-o', 'Acquire::Retries=3']
  const quiet = ['-qq', '-o', 'Dpkg::Use-Pty=0']
  return (
    aptGet([...quiet, ...strict, 'update']) &&
    aptGet([...quiet, ...strict, '-y', '--no-install-recommends', 'install', ...names])
  )
}

function aptGet(args: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const result = spawnSync('apt-get', args, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  return result.status === 0
}

/** A policy that the machine's owner has set stays in force. */
function withNothingStarted(action: () => boolean): boolean {
  if (existsSync(POLICY)) return action()
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n')
  chmodSync(POLICY, 0o755)
  try {
    return action()
  } finally {
    rmSync(POLICY, { force: true })
  }
}
