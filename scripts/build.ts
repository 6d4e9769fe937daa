// Makes dist/, what is published: one bundle per entry, a chunk for each part that is loaded only
// when needed, and declarations for the public faces. Nothing is minified: a stack trace from a
// user must be readable. koffi stays a dependency, everything else is bundled.
// `--after-install`: without declarations, so that a program can import the faces of a checkout as
// soon as `npm ci` is done. npm asks for that when it packs, too, after the whole build.
// Every JavaScript file of dist/ lies as deep as a file src/<room>/<file>.ts, so that
// `new URL('../../', import.meta.url)` is the root of the package in both.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join, relative } from 'node:path'
import { build, type Plugin } from 'rolldown'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/**
 * What every command needs, and what `status` needs, is one chunk: a file more to find and to read
 * costs about 0.3 ms of a command that takes 10.
 */
const often = filesOf({
  base: 'assert brands duration error-codes exit-status limits quote signal suggest toolkit-error',
  cli:
    'builtin commands deps door exit-codes main parse-arguments plain-deps real-deps ' +
    'run-spec scope project screen select-rows commands/status print/status print/style ' +
    'print/table',
  client: 'client connection http-reader',
  model: 'service-name',
  protocol: 'directories response routes version',
})

/** What only some runs of `eudaemon run` load; all the rest of it is one file. */
const seldom = new RegExp(
  '^src/(?:cli/(?:help|own-version)|syntax/|base/diagnostic' +
    '|daemonize/(?:boot/|pid-actions|pid-owner-control|notify-|syslog|ready-(?!dialect|watch))' +
    '|kernel/(?:datagram|socket-|unix-|tcp-)|launch/(?:network|port)|protocol/notify)',
)

function filesOf(rooms: Readonly<Record<string, string>>): ReadonlySet<string> {
  const paths = Object.entries(rooms).flatMap(([room, names]) =>
    names.split(' ').map((name) => `src/${room}/${name}.ts`),
  )
  return new Set(paths)
}

/**
 * An `import` of a module of Node's own touches each of its exports: node:http loads undici for it,
 * node:fs streams and promises. That takes longer, and more memory, than what we use of them. Here
 * each module becomes one that takes only what is asked for.
 */
const leanBuiltins: Plugin = {
  name: 'lean-builtins',
  resolveId: (id, _importer, { kind }) => {
    if (!id.startsWith('node:')) return null
    if (kind === 'dynamic-import') return { id, external: true }
    return { id: `\0${id}`, moduleSideEffects: false }
  },
  load: (id) => {
    if (!id.startsWith('\0node:')) return null
    const name = id.slice(1)
    const isWord = (word: string) => /^[a-z_]\w*$/i.test(word) && word !== 'default'
    const words = Object.keys(createRequire(import.meta.url)(name)).filter(isWord)
    const first = `const whole = /* @__PURE__ */ process.getBuiltinModule('${name}')\n`
    const lines = words.map(
      (word) => `const ${word}_ = whole.${word}\nexport { ${word}_ as ${word} }\n`,
    )
    return first + lines.join('')
  },
}

/**
 * Bundles `input` (name -> file) into one folder; what inputs have in common exists once. The
 * command is CommonJS: to start Node's loader of ES modules and to link them takes 4 ms of its 25.
 */
async function bundle(
  folder: string,
  format: 'esm' | 'cjs',
  input: Readonly<Record<string, string>>,
  together: ((path: string) => boolean) | null = null,
): Promise<void> {
  const ending = format === 'esm' ? 'js' : 'cjs'
  await build({
    cwd: root,
    input: { ...input },
    platform: 'node',
    external: [/^koffi(?:\/|$)/],
    plugins: [leanBuiltins],
    treeshake: { propertyReadSideEffects: false },
    tsconfig: false,
    preserveEntrySignatures: 'allow-extension',
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message)
    },
    output: {
      dir: join(dist, folder),
      format,
      entryFileNames: `[name].${ending}`,
      chunkFileNames: `[name]-[hash].${ending}`,
      minify: false,
      keepNames: true,
      // The order of modules in ES chunks is not ours to choose: a face takes what it needs.
      ...(together === null
        ? {}
        : {
            codeSplitting: {
              includeDependenciesRecursively: false,
              groups: [{ name: 'together', test: (id: string) => together(relative(root, id)) }],
            },
          }),
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

const isAfterInstall = process.argv.includes('--after-install')

async function buildAll(): Promise<void> {
  rmSync(dist, { recursive: true, force: true })
  await bundle('cli', 'cjs', { main: 'src/cli/main.ts' }, (path) => often.has(path))
  await bundle('run', 'cjs', { run: 'src/cli/main-run.ts' }, (path) => !seldom.test(path))
  // For each require() Node reads the nearest package.json: here one that says little.
  for (const folder of ['cli', 'run']) {
    writeFileSync(join(dist, folder, 'package.json'), '{ "type": "commonjs" }\n')
  }
  await bundle('faces', 'esm', faces())
  if (!isAfterInstall) declarations()
}

const isPacking = ['pack', 'publish'].includes(process.env['npm_command'] ?? '')
if (!isAfterInstall || !isPacking) await buildAll()
