// Procfiles: foreman's PORT rule, `.env`, and the choice of the format.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { procfileImporter } from '../../../src/formats/procfile/import.ts'
import { definitionFileNames, detectFormat, findImporter } from '../../../src/formats/registry.ts'

interface Around {
  readonly env?: string
  readonly caller?: Readonly<Record<string, string>>
}

function read(text: string, { env, caller = {} }: Around = {}) {
  return procfileImporter.read({
    file: '/srv/shop/Procfile',
    text,
    directory: '/srv/shop',
    projectName: 'shop',
    sideFiles: new Map(env === undefined ? [] : [['.env', env]]),
    callerEnvironment: caller,
  })
}

function secondPorts(result: ReturnType<typeof read>): Record<string, number> {
  /** PORT of instance 2 of each service. */
  return Object.fromEntries(
    Object.values(result.project?.services ?? {}).map(({ name, instanceEnvironment: [port] }) => {
      assert.equal(port?.name, 'PORT')
      return [name, (port?.base ?? 0) + (port?.step ?? 0)]
    }),
  )
}

test('PORT: of .env, else of the caller, else 5000; 100 more a line, 1 more an instance', () => {
  const text = '# note\nweb: a\n\napi: b\nworker: c\n'
  assert.deepEqual(secondPorts(read(text)), { web: 5_001, api: 5_101, worker: 5_201 })
  const caller = { PORT: '7000' }
  assert.deepEqual(secondPorts(read(text, { caller })), { web: 7_001, api: 7_101, worker: 7_201 })
  assert.deepEqual(secondPorts(read(text, { caller, env: 'PORT=3000' })), {
    web: 3_001,
    api: 3_101,
    worker: 3_201,
  })
})

test('a bad PORT of the caller is told', () => {
  const { project, diagnostics } = read('web: a', { caller: { PORT: 'x' } })
  assert.equal(project, null)
  assert.match(diagnostics[0]?.message ?? '', /PORT='x' in your environment is not a port/)
})

test('.env goes to every service; our own variables cannot be set', () => {
  const { project } = read('web: a\nw: b', { env: 'A=1\nEUDAEMON_HOME=/x\n__proto__=y' })
  for (const service of Object.values(project?.services ?? {})) {
    assert.deepEqual(Object.entries(service.environment), [
      ['A', '1'],
      ['__proto__', 'y'],
    ])
    assert.deepEqual(service.command, { kind: 'shell', line: service.name === 'web' ? 'a' : 'b' })
  }
})

test('the format is known by name, else by looks', () => {
  assert.deepEqual(definitionFileNames, ['eudaemon.toml', 'Procfile'])
  assert.equal(detectFormat('/srv/eudaemon.toml', '')?.format, 'native')
  assert.equal(detectFormat('broken.toml', 'a = ')?.format, 'native')
  assert.equal(detectFormat('Procfile', '')?.format, 'procfile')
  assert.equal(detectFormat('Procfile.dev', '')?.format, 'procfile')
  assert.equal(detectFormat('shop', '[services.web]\ncommand = "x"')?.format, 'native')
  assert.equal(detectFormat('shop', '# x\nweb: node server.js\n')?.format, 'procfile')
  assert.equal(detectFormat('shop', 'hello world'), undefined)
  assert.equal(findImporter('procfile').format, 'procfile')
  assert.equal(findImporter('native').format, 'native')
})

test('no text makes it throw', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(text, text, (lines, env) => {
      const { project, diagnostics } = read(`web: x\n${lines}`, { env })
      assert.equal(
        project === null,
        diagnostics.some(({ severity }) => severity === 'error'),
      )
      for (const { position } of diagnostics) assert.ok(position)
    }),
    { numRuns: 2_000 },
  )
})
