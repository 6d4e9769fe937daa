// A source file as the rules see it: its text, its code without comments and strings, its imports.
// Also the list of files that the rules look at, and the shape of what they find.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { type Scan, scan } from './scan.ts'

export interface Import {
  readonly specifier: string
  /** Path from the root of the repository, when the specifier is relative. */
  readonly target: string | null
  readonly kind: 'static' | 'type' | 'dynamic'
  readonly line: number
}

export interface SourceFile extends Scan {
  /** Path from the root of the repository. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

export interface Violation {
  readonly path: string
  readonly line: number
  /** What is wrong, and what to do instead. */
  readonly message: string
}

export type Rule = (files: readonly SourceFile[]) => readonly Violation[]

const importStart = /(?<![\w$.])(?:import|export)\b[^'"`;()]*?\bfrom\s*$|(?<![\w$.])import\s*$/
const dynamicStart = /(?<![\w$.])(?:import|require|getBuiltinModule)\s*\(\s*$/

/** Scans one file; tests hand in snippets under invented paths. */
export function sourceFile(path: string, text: string): SourceFile {
  const scanned = scan(text)
  const imports: Import[] = []
  for (const piece of scanned.strings) {
    const before = scanned.code.slice(Math.max(0, piece.start - 2_000), piece.start - 1)
    const statement = importStart.exec(before)
    const isDynamic = dynamicStart.test(before) || /\.getBuiltinModule\(\s*$/.test(before)
    if (!statement && !isDynamic) continue
    const isType = statement !== null && /^(?:import|export)\s+type\b/.test(statement[0])
    imports.push({
      specifier: piece.text,
      target: piece.text.startsWith('.') ? normalize(join(dirname(path), piece.text)) : null,
      kind: isDynamic ? 'dynamic' : isType ? 'type' : 'static',
      line: lineOf(text, piece.start),
    })
  }
  return { path, text, imports, ...scanned }
}

/** The line, counted from 1, of an offset. */
export function lineOf(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1
  }
  return line
}

const folders = ['bin', 'src', 'test', 'scripts', 'bench', 'examples']

/** Every TypeScript and JavaScript file of the repository, except what is built or installed. */
export function readSources(root: string): readonly SourceFile[] {
  const present = new Set(readdirSync(root))
  const paths = folders
    .filter((folder) => present.has(folder))
    .flatMap((folder) => walk(root, folder))
  return paths.map((path) => sourceFile(path, readFileSync(join(root, path), 'utf8')))
}

function walk(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : walk(root, path)
    return /\.(?:ts|js|mjs)$/.test(entry.name) ? [path] : []
  })
}

/** Every place in the code (not in comments or strings) that the pattern finds. */
export function findInCode(file: SourceFile, pattern: RegExp, message: string): Violation[] {
  return [...file.code.matchAll(pattern)].map((match) => ({
    path: file.path,
    line: lineOf(file.text, match.index),
    message,
  }))
}
