// Where cgroups of ours can be made: our own cgroup below the mount of version 2. Also on a hybrid
// system, where version 1 has the controllers and version 2 only tracks. Found by trying.

import {
  accessSync,
  constants as fsConstants,
  mkdirSync,
  readFileSync,
  rmdirSync,
  statSync,
} from 'node:fs'

export type CgroupRoot =
  | { readonly path: string; readonly kind: 'v2' | 'hybrid' }
  | { readonly reason: string }

/** Our own cgroup, when we may make groups below it and move processes there; else why not. */
export function findCgroupRoot(): CgroupRoot {
  const mounts = readText('/proc/self/mountinfo').split('\n').flatMap(parseMount)
  const unified = mounts.filter(({ type }) => type === 'cgroup2')
  if (unified.length === 0) return { reason: 'no cgroup v2 hierarchy is mounted' }
  const own = /^0::(\/.*)$/m.exec(readText('/proc/self/cgroup'))?.[1]
  if (own === undefined) return { reason: 'this process has no cgroup v2 membership' }
  const kind = mounts.some(({ type }) => type === 'cgroup') ? 'hybrid' : 'v2'
  let reason = ''
  for (const { root, point } of unified) {
    const below = root === '/' || !own.startsWith(root) ? own : own.slice(root.length)
    const path = below === '/' ? point : `${point}${below}`
    const refusal = whyNotUsable(path)
    if (refusal === null) return { path, kind }
    reason ||= refusal
  }
  return { reason }
}

function whyNotUsable(path: string): string | null {
  const probe = `${path}/eudaemon-probe-${process.pid}`
  try {
    if (!statSync(path).isDirectory()) return `'${path}' is not a directory`
    accessSync(`${path}/cgroup.procs`, fsConstants.W_OK)
    mkdirSync(probe)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    return `no groups can be made in '${path}': ${code}`
  }
  try {
    accessSync(`${probe}/cgroup.procs`, fsConstants.W_OK)
    return null
  } catch (error) {
    return `no process can enter a group in '${path}': ${(error as NodeJS.ErrnoException).code}`
  } finally {
    rmdirSync(probe)
  }
}

export interface Mount {
  readonly root: string
  readonly point: string
  readonly type: string
}

/** `36 35 98:0 /root /mount/point options … - type source options` (proc(5)); \040 is a space. */
export function parseMount(line: string): Mount[] {
  const [left = '', right = ''] = line.split(' - ')
  const [, , , root, point] = left.split(' ')
  if (root === undefined || point === undefined) return []
  const decoded = (text: string): string =>
    text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    )
  return [{ root: decoded(root), point: decoded(point), type: right.split(' ')[0] ?? '' }]
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // No /proc, or a kernel without cgroups: then there is no root either, which the caller tells.
    return ''
  }
}
