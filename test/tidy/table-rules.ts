// Rules about tables and faces: every error code is used, every exported symbol of a public face
// is documented, and package.json offers exactly the faces that exist.

import { lineOf, type Rule, type SourceFile, type Violation } from './source-file.ts'

const CODES = 'src/base/error-codes.ts'

export const errorCodesUsed: Rule = (files) => {
  const table = files.find((file) => file.path === CODES)
  if (!table) return []
  const used = new Set(
    files
      .filter((file) => file.path.startsWith('src/') && file.path !== CODES)
      .flatMap((file) => file.strings.map((piece) => piece.text)),
  )
  return [...table.code.matchAll(/^ {2}(ERR_\w+): \{/gm)]
    .filter((match) => !used.has(match[1] ?? ''))
    .map((match) => ({
      path: CODES,
      line: lineOf(table.text, match.index),
      message: `${match[1]} is used nowhere in src/: use it or delete the entry`,
    }))
}

/** Exports of src/*.ts, followed through re-exports to where they are declared. */
export const facesDocumented: Rule = (files) => {
  const byPath = new Map(files.map((file) => [file.path, file]))
  return files
    .filter((file) => /^src\/[^/]+\.ts$/.test(file.path))
    .flatMap((file) => [...starExports(file), ...undocumented(file, byPath)])
}

function starExports(file: SourceFile): Violation[] {
  return [...file.code.matchAll(/(?<![\w$.])export\s+(?:type\s+)?\*/g)].map((match) => ({
    path: file.path,
    line: lineOf(file.text, match.index),
    message: 'a public face names what it exports: no `export *`',
  }))
}

function undocumented(
  file: SourceFile,
  byPath: ReadonlyMap<string, SourceFile>,
): readonly Violation[] {
  const reexports = [
    ...file.code.matchAll(/(?<![\w$.])export\s+(?:type\s+)?\{([^}]*)\}\s*from\s*'/g),
  ]
  const found = reexports.flatMap((match) => {
    const line = lineOf(file.text, match.index + match[0].length)
    const target = file.imports.find((entry) => entry.line === line)?.target ?? ''
    return namesIn(match[1] ?? '').map((name) => ({ name, target }))
  })
  const own = [...file.code.matchAll(declaration('([\\w$]+)'))].map((match) => ({
    name: match[1] ?? '',
    target: file.path,
  }))
  return [...found, ...own].flatMap(({ name, target }) => {
    const declared = byPath.get(target)
    return declared ? missingComment(declared, name) : []
  })
}

function namesIn(list: string): string[] {
  return list
    .split(',')
    .map((entry) => /^(?:type\s+)?([\w$]+)/.exec(entry.trim())?.[1] ?? '')
    .filter((name) => name !== '')
}

function declaration(name: string): RegExp {
  const kinds = 'type|interface|class|abstract class|function|async function|const|function\\*'
  return new RegExp(`^export (?:declare )?(?:${kinds}) ${name}(?![\\w$])`, 'gm')
}

function missingComment(file: SourceFile, name: string): Violation[] {
  const match = declaration(name.replaceAll('$', '\\$')).exec(file.code)
  if (!match) return []
  const before = file.text.slice(0, match.index).trimEnd()
  const doc = file.comments.find((comment) => comment.end === before.length)
  if (doc?.text.startsWith('/**')) return []
  const message = `${name} is public: document it with /** … */ in whole sentences`
  return [{ path: file.path, line: lineOf(file.text, match.index), message }]
}

/** What package.json offers under `exports` and what lies in src/ as a face are the same. */
export function exportsMatchFaces(
  files: readonly SourceFile[],
  subPaths: readonly string[],
): readonly Violation[] {
  const faces = files
    .map((file) => /^src\/([^/]+)\.ts$/.exec(file.path)?.[1])
    .filter((name) => name !== undefined)
    .map((name) => (name === 'index' ? '.' : `./${name}`))
  const missing = faces.filter((face) => !subPaths.includes(face))
  const extra = subPaths.filter((path) => path !== './package.json' && !faces.includes(path))
  return [
    ...missing.map((face) => `add the public face '${face}' to exports in package.json`),
    ...extra.map((path) => `exports in package.json has '${path}', but src/ has no such face`),
  ].map((message) => ({ path: 'package.json', line: 1, message }))
}
