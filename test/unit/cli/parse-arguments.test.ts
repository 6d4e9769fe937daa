// Arguments to options: the rules of getopt_long(3), and what is said when they are broken.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { commands } from '../../../src/cli/commands.ts'
import { type ParsedArguments, parseArguments } from '../../../src/cli/parse-arguments.ts'

function parsed(line: string) {
  const found = parseArguments(line.split(' '))
  assert.equal(found.kind, 'command', JSON.stringify(found))
  if (found.kind !== 'command') throw new Error('unreachable')
  return { name: found.command.name, ...found.options }
}

function messageOf(found: ParsedArguments): string {
  return found.kind === 'wrong' ? found.message : `not wrong but ${found.kind}`
}

test('values come attached or apart, short or long, anywhere', () => {
  for (const line of [
    'logs -n 5 web',
    'logs -n5 web',
    'logs --lines 5 web',
    'logs web --lines=5',
    'logs -fn5 web',
  ]) {
    const { value, operands } = parsed(line)
    assert.deepEqual([value('lines'), operands], ['5', ['web']], line)
  }
  assert.equal(parsed('logs -fn5 web').has('follow'), true)
})

test('the last value wins; an empty one is a value', () => {
  assert.equal(parsed('logs -n 5 -n 6').value('lines'), '6')
  assert.equal(parsed('logs --grep=').value('grep'), '')
})

test('after -- nothing is an option', () => {
  const { operands, has } = parsed('start -- -a --all web')
  assert.deepEqual([operands, has('all')], [['-a', '--all', 'web'], false])
})

test('-f is the file, except for logs, where it is follow', () => {
  assert.equal(parsed('status -f x.toml').value('file'), 'x.toml')
  assert.equal(parsed('logs -f').has('follow'), true)
})

test('help and version are found wherever they make sense', () => {
  assert.deepEqual(parseArguments([]), { kind: 'help', command: null })
  assert.deepEqual(parseArguments(['--version']), { kind: 'version' })
  assert.deepEqual(parseArguments(['-h']), { kind: 'help', command: null })
  for (const line of ['up --help', 'up -h', 'help up', 'scale -h']) {
    const found = parseArguments(line.split(' '))
    assert.equal(found.kind, 'help', line)
  }
})

test('what is wrong is said in one line, with a suggestion where there is one', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['statsu', /unknown command 'statsu'; did you mean 'status'\?/],
    ['frobnicate', /unknown command 'frobnicate'; see `eudaemon help`/],
    ['--frobnicate', /unknown option '--frobnicate'/],
    ['help statsu', /did you mean 'status'/],
    ['up --detahc', /unknown option '--detahc'; did you mean '--detach'\?/],
    ['up -x', /unknown option '-x'/],
    ['up --detach=yes', /'--detach' takes no value/],
    ['up -f', /'-f' needs a value: FILE/],
    ['logs --stream both', /'--stream' must be one of stdout, stderr, not 'both'/],
    ['start', /'start' needs at least one SERVICE/],
    ['signal HUP', /'signal' needs at least one SERVICE/],
    ['why a b', /'why' does not take 'b'/],
    ['down web', /'down' does not take 'web'/],
    ['completion ksh', /SHELL must be one of bash, zsh, fish, not 'ksh'/],
  ]
  for (const [line, pattern] of cases) {
    const message = messageOf(parseArguments(line.split(' ')))
    assert.match(message, pattern)
    assert.ok(!message.includes('\n'))
  }
})

test('control characters of the user do not reach the terminal', () => {
  assert.ok(!messageOf(parseArguments(['\u001b[2J'])).includes('\u001b'))
  assert.ok(!messageOf(parseArguments(['up', '--\u001b[2J'])).includes('\u001b'))
})

test('whatever is typed, the answer is one of the five', () => {
  const names = commands.map(({ name }) => name)
  const word = fc.oneof(
    fc.constantFrom(...names, '--', '-', '-f', '-n', '--json', '--for', '--file=x', '=', '--='),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
      const { kind } = parseArguments(argv)
      assert.ok(['command', 'help', 'version', 'wrong'].includes(kind))
    }),
  )
})

test('the table has no letter and no name twice', () => {
  assert.equal(new Set(commands.map(({ name }) => name)).size, commands.length)
  for (const { name, options } of commands) {
    const words = options.flatMap((option) => [option.name, option.short ?? []]).flat()
    assert.equal(new Set([...words, 'help', 'h']).size, words.length + 2, name)
  }
})
