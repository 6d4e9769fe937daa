// The native module that is loaded without koffi's wrapper.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { KOFFI_VERSION, loadKoffi } from '../../../src/kernel/load-koffi.ts'

test('the version is the one that package.json asks for', () => {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> }
  assert.equal(dependencies['koffi'], KOFFI_VERSION)
})

test('it calls C', () => {
  const getpid = loadKoffi().load('libc.so.6').func('int getpid()')
  assert.equal(getpid(), process.pid)
})

test('koffi itself was not loaded', () => {
  const { Module } = process.getBuiltinModule('node:module')
  const loaded = Object.keys((Module as unknown as { _cache: object })._cache)
  assert.deepEqual(
    loaded.filter((path) => path.includes('/koffi/')),
    [],
  )
})
