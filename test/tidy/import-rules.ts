// Who may import whom: the table of DESIGN.md, import cycles between files, and files that nobody
// imports. Type imports count too: a type from a forbidden room is knowledge of that room.

import type { Rule, SourceFile, Violation } from './source-file.ts'

interface Room {
  readonly may: readonly string[]
  /** Only by `await import()`, so that the usual commands do not load it. */
  readonly mayDynamically?: readonly string[]
  readonly isPure: boolean
}

/** Loaded by `await import()` itself, and by nothing that does not need what it imports. */
const loadedAlone: ReadonlySet<string> = new Set(['src/cli/run-daemon.ts'])

/** The house. `faces` are the files directly in src/: what the package offers to programs. */
const rooms: Readonly<Record<string, Room>> = {
  base: { may: [], isPure: true },
  model: { may: ['base'], isPure: true },
  syntax: { may: ['base'], isPure: true },
  core: { may: ['base', 'model'], isPure: true },
  formats: { may: ['base', 'model', 'syntax'], isPure: true },
  protocol: { may: ['base', 'model'], isPure: true },
  kernel: { may: ['base'], isPure: false },
  launch: { may: ['base', 'kernel'], isPure: false },
  runtime: { may: ['base', 'model', 'core', 'protocol', 'kernel', 'launch'], isPure: false },
  daemonize: { may: ['base', 'protocol', 'kernel', 'launch'], isPure: false },
  client: { may: ['base', 'model', 'protocol'], isPure: false },
  supervisor: {
    may: [
      ...['base', 'model', 'syntax', 'core', 'formats', 'protocol'],
      ...['runtime', 'daemonize', 'client'],
    ],
    isPure: false,
  },
  cli: {
    may: ['base', 'model', 'formats', 'protocol', 'client'],
    mayDynamically: ['supervisor', 'daemonize', 'syntax'],
    isPure: false,
  },
  faces: {
    may: ['base', 'model', 'formats', 'protocol', 'client', 'daemonize', 'supervisor'],
    isPure: false,
  },
}

/** Packages that do no I/O and may therefore be used in pure rooms. */
const purePackages: readonly string[] = ['smol-toml']

/** The room of a path in src/; null outside of src/. */
function roomOf(path: string): string | null {
  const match = /^src\/(?:([^/]+)\/)?[^/]/.exec(path)
  if (!match) return null
  return match[1] ?? 'faces'
}

export function isInPureRoom(path: string): boolean {
  const room = roomOf(path)
  return room !== null && rooms[room]?.isPure === true
}

export const importTable: Rule = (files) =>
  files.flatMap((file) => {
    const name = roomOf(file.path)
    if (name === null) return []
    const room = rooms[name]
    if (!room) {
      const message = `src/${name}/ is no room of the house: see the table in ARCHITECTURE.md`
      return [{ path: file.path, line: 1, message }]
    }
    return file.imports.flatMap((found) => {
      const target = found.target === null ? null : roomOf(found.target)
      if (found.target === null || target === name) return []
      if (target !== null && room.may.includes(target)) return []
      const isDynamic = found.kind === 'dynamic'
      const onlyDynamic = target !== null && (room.mayDynamically ?? []).includes(target)
      if (onlyDynamic && (isDynamic || loadedAlone.has(file.path))) return []
      const allowed = room.may.length === 0 ? 'nothing' : room.may.join(', ')
      const message = onlyDynamic
        ? `${name} may load ${target} only by \`await import('${found.specifier}')\``
        : `${name} may not import ${found.target}: it may import ${allowed}`
      return [{ path: file.path, line: found.line, message }]
    })
  })

export const packageTable: Rule = (files) =>
  files.flatMap((file) => {
    const name = roomOf(file.path)
    if (name === null) return []
    return file.imports.flatMap((found) => {
      const message = found.target === null ? refusePackage(found.specifier, file.path, name) : null
      return message === null ? [] : [{ path: file.path, line: found.line, message }]
    })
  })

function refusePackage(specifier: string, path: string, room: string): string | null {
  if (/^koffi(?:\/|$)/.test(specifier)) {
    return room === 'kernel' ? null : 'koffi only in src/kernel/: use or add a wrapper there'
  }
  if (/^(?:node:)?child_process(?:\/|$)/.test(specifier)) {
    return 'child_process forks the whole Node process: use src/kernel/spawn.ts'
  }
  if (!isInPureRoom(path) || purePackages.includes(specifier)) return null
  return `${room} is pure and may not import '${specifier}': take what it gives as an argument`
}

/** Cycles between files; an import of types only is no cycle at run time and is not counted. */
export const noCycles: Rule = (files) => {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const done = new Set<string>()
  const violations: Violation[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) {
      const cycle = [...trail.slice(start), path].join(' -> ')
      const message = `import cycle ${cycle}: move what both need into a third file`
      violations.push({ path, line: 1, message })
      return
    }
    if (done.has(path)) return
    for (const found of byPath.get(path)?.imports ?? []) {
      if (found.kind === 'static' && found.target !== null) visit(found.target, [...trail, path])
    }
    done.add(path)
  }
  for (const file of files) visit(file.path, [])
  return violations
}

/** Files of src/ that cannot be reached from the command or a public face. */
export const noDeadFiles: Rule = (files) => {
  const sources = files.filter((file) => file.path.startsWith('src/'))
  const byPath = new Map(sources.map((file) => [file.path, file]))
  const reached = new Set<string>()
  const queue = sources.filter(isEntry).map((file) => file.path)
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue
    reached.add(path)
    for (const found of byPath.get(path)?.imports ?? []) {
      if (found.target !== null) queue.push(found.target)
    }
  }
  const message = 'nothing in src/ that runs imports this file: use it or delete it'
  return sources
    .filter((file) => !reached.has(file.path))
    .map((file) => ({ path: file.path, line: 1, message }))
}

function isEntry(file: SourceFile): boolean {
  return roomOf(file.path) === 'faces' || isDoor(file.path)
}

/** Imports that lead nowhere would make the rules above blind. */
export const importsExist: Rule = (files) => {
  const paths = new Set(files.map((file) => file.path))
  return files.flatMap((file) =>
    file.imports
      .filter((found) => found.target?.endsWith('.ts') && file.path.startsWith('src/'))
      .filter((found) => !paths.has(found.target ?? ''))
      .map((found) => ({
        path: file.path,
        line: found.line,
        message: `'${found.specifier}' does not exist: write the path with its .ts ending`,
      })),
  )
}

/** What bin/eudaemon.js loads. */
function isDoor(path: string): boolean {
  return path === 'src/cli/main.ts' || path === 'src/cli/main-run.ts'
}
