// Makes dist/, what is published: one bundle per entry, a chunk for each part that is loaded only
// when needed, and declarations for the public faces. Nothing is minified: a stack trace from a
// user must be readable. koffi stays a dependency, everything else is bundled.
// Every JavaScript file of dist/ lies as deep as a file src/<room>/<file>.ts, so that
// `new URL('../../', import.meta.url)` is the root of the package in both.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, rmSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { build } from 'rolldown'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/**
 * What every command needs, and what `status` needs, is one chunk: a file more to find and to read
 * costs about 0.3 ms of a command that takes 10.
 */
const often: ReadonlySet<string> = new Set(
  Object.entries({
    base: 'assert duration error-codes limits quote suggest toolkit-error',
    cli:
      'builtin commands deps exit-codes main parse-arguments project real-deps scope screen ' +
      'select-rows commands/status print/status print/style print/table',
    client: 'client connection http-reader',
    model: 'service-name',
    protocol: 'directories response routes version',
  }).flatMap(([room, names]) => names.split(' ').map((name) => `src/${room}/${name}.ts`)),
)

/** Bundles `input` (name -> file) into one folder; what inputs have in common exists once. */
async function bundle(folder: string, input: Readonly<Record<string, string>>): Promise<void> {
  await build({
    cwd: root,
    input: { ...input },
    platform: 'node',
    external: [/^node:/, /^koffi(?:\/|$)/],
    tsconfig: false,
    preserveEntrySignatures: 'allow-extension',
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message)
    },
    output: {
      dir: join(dist, folder),
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: '[name]-[hash].js',
      minify: false,
      keepNames: true,
      codeSplitting: {
        includeDependenciesRecursively: false,
        groups: [{ name: 'often', test: (id) => often.has(relative(root, id)) }],
      },
      comments: { legal: true, annotation: false, jsdoc: false },
    },
  })
}

/** The public faces, src/<name>.ts, are built together: an error class must exist only once. */
function faces(): Readonly<Record<string, string>> {
  const paths = globSync('src/*.ts', { cwd: root }).sort()
  return Object.fromEntries(paths.map((path) => [basename(path, '.ts'), path]))
}

/** The compiler has put the declarations of all of src/ into .cache/types/src. */
function declarations(): void {
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['--build'], { cwd: root, stdio: 'inherit' })
  const types = join(root, '.cache/types/src')
  cpSync(types, join(dist, 'types'), {
    recursive: true,
    filter: (path) => !path.includes('.cache/types/src/cli') && existsSync(sourceOf(path)),
  })
}

/** Declarations whose source has gone stay in the cache; they are not published. */
function sourceOf(path: string): string {
  return path.replace('.cache/types/src', 'src').replace(/\.d\.ts(\.map)?$/, '.ts')
}

rmSync(dist, { recursive: true, force: true })
await bundle('cli', { main: 'src/cli/main.ts' })
await bundle('faces', faces())
declarations()
