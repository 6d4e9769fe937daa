// Which project a command means: that of this folder or of -f, unless --all was given. The name of
// the project is all that most commands need; reading the whole definition for it costs more than
// the rest of the command, so name and digest are remembered beside the control socket.

import { toProjectName } from '../model/service-name.ts'
import { fs, path } from './builtin.ts'
import type { Deps } from './deps.ts'
import type { Options } from './parse-arguments.ts'
import { findDefinition, readDefinition } from './project.ts'

export interface Scope {
  /** Null: every project of the supervisor. */
  readonly project: string | null
  /** Null: no file, or one that cannot be used. */
  readonly file: string | null
  /** Of the definition on disk; null when it has errors. */
  readonly digest: string | null
}

interface Remembered {
  readonly file: string
  readonly stamp: string
  readonly project: string
  readonly digest: string
}

const everything: Scope = { project: null, file: null, digest: null }

export async function findScope(options: Options, deps: Deps): Promise<Scope> {
  if (options.has('all')) return everything
  const file = findDefinition(options, deps)
  if (file === null) return everything
  const stamp = stampOf(file)
  const remembered = recall(file, deps)
  if (stamp !== null && remembered?.stamp === stamp && remembered.file === file) {
    const { project, digest } = remembered
    return { project, file, digest }
  }
  const { project } = await readDefinition(options, deps)
  if (project === null) {
    return { project: toProjectName(path.basename(path.dirname(file))), file, digest: null }
  }
  const { digestDefinition } = await import('../model/definition-digest.ts')
  const digest = digestDefinition(project)
  if (stamp !== null) remember({ file, stamp, project: project.name, digest }, deps)
  return { project: project.name, file, digest }
}

/** Changes whenever the file does; null for formats that read more than the one file. */
function stampOf(file: string): string | null {
  if (!file.endsWith('.toml')) return null
  const { ino, size, mtimeNs, ctimeNs } = fs.statSync(file, { bigint: true })
  return `${ino}:${size}:${mtimeNs}:${ctimeNs}`
}

/** One small file for each definition; the name is a hash only to be short. */
function cachePath(file: string, deps: Deps): string {
  let hash = 0
  for (const character of file) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) >>> 0
  return `${deps.directories.runtime}/seen/${hash.toString(16).padStart(8, '0')}.json`
}

function recall(file: string, deps: Deps): Remembered | null {
  try {
    return JSON.parse(fs.readFileSync(cachePath(file, deps), 'utf8')) as Remembered
  } catch {
    return null
  }
}

/** Only a shortcut: where it cannot be written, the next command reads the definition again. */
function remember(remembered: Remembered, deps: Deps): void {
  const target = cachePath(remembered.file, deps)
  try {
    // Not recursive: the runtime directory itself is made by the supervisor, with its own mode.
    fs.mkdirSync(path.dirname(target), { mode: 0o700 })
  } catch {
    // It exists, or writing will fail as well.
  }
  try {
    fs.writeFileSync(target, JSON.stringify(remembered), { mode: 0o600 })
  } catch {
    return
  }
}
