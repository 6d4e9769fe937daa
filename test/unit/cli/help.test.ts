// Help is made from the table; here only that nothing is missing and every line fits.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commands } from '../../../src/cli/commands.ts'
import { printHelp, printOverview } from '../../../src/cli/help.ts'

test('the overview names every command', () => {
  const text = printOverview()
  for (const { name, summary } of commands) {
    assert.match(text, new RegExp(`^  ${name} +${summary.slice(0, 20)}`, 'm'))
  }
})

test('the help of each command has synopsis, options, statuses, and fits into 100 columns', () => {
  for (const command of commands) {
    const text = printHelp(command)
    assert.ok(text.startsWith(`Usage: eudaemon ${command.name}`))
    for (const { name } of command.options) assert.ok(text.includes(`--${name}`), name)
    for (const code of [0, ...command.exitCodes, 100, 111]) {
      assert.match(text, new RegExp(`^  ${code} `, 'm'))
    }
    for (const line of text.split('\n')) assert.ok(line.length <= 110, line)
    assert.ok(text.endsWith('\n') && !text.endsWith('\n\n'))
  }
})

test('the synopsis shows what must and what may be given', () => {
  const synopsisOf = (name: string) => {
    const command = commands.find((found) => found.name === name)
    assert.ok(command)
    return printHelp(command).split('\n')[0]
  }
  assert.equal(synopsisOf('up'), 'Usage: eudaemon up [OPTIONS] [SERVICE…]')
  assert.equal(synopsisOf('signal'), 'Usage: eudaemon signal [OPTIONS] SIGNAL SERVICE…')
  assert.equal(synopsisOf('completion'), 'Usage: eudaemon completion SHELL')
})
