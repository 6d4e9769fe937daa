// Property lists, read back by a reader of their own. What libplist reads is in
// test/system/2702-boot-tools.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BootCommand } from '../../../../src/daemonize/boot/boot-command.ts'
import { printLaunchdPlist } from '../../../../src/daemonize/boot/launchd-plist.ts'
import { bootCommand, fullCommand } from '../../../support/boot-command.ts'

type Read = string | bigint | boolean | readonly Read[] | Map<string, Read>

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', '#13': '\r' }

/** Elements one after the other; knows only what the printer may use. */
function read(text: string): Read {
  assert.ok(!text.includes('\r'), 'XML readers turn a carriage return into a line feed')
  const body = text.replace(/^<\?xml.*\?>\n<!DOCTYPE[^>]*>\n<!--((?!--)[\s\S])*-->\n/, '')
  const tokens = [...body.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>([^<]*)/g)]
  let at = 0
  const next = (): RegExpExecArray => {
    const token = tokens[at]
    at += 1
    assert.ok(token)
    return token
  }
  const plain = (escaped: string): string => {
    assert.ok(!/[<>]|&(?!\w|#)/.test(escaped), escaped)
    return escaped.replace(/&(#?\w+);/g, (_, name: string) => entities[name] ?? assert.fail(name))
  }
  const value = (): Read => {
    const [, , name, , inner = ''] = next()
    if (name === 'true' || name === 'false') return name === 'true'
    if (name === 'array') {
      const items: Read[] = []
      while (tokens[at]?.[1] !== '/') items.push(value())
      next()
      return items
    }
    if (name === 'dict') {
      const entries = new Map<string, Read>()
      while (tokens[at]?.[1] !== '/') {
        const key = value()
        assert.equal(typeof key, 'string')
        entries.set(String(key), value())
      }
      next()
      return entries
    }
    next()
    return name === 'integer' ? BigInt(inner) : plain(inner)
  }
  assert.equal(next()[2], 'plist')
  const whole = value()
  assert.equal(next()[2], 'plist')
  assert.equal(at, tokens.length)
  return whole
}

function readPlist(command: BootCommand): Map<string, Read> {
  const whole = read(printLaunchdPlist(command).text)
  assert.ok(whole instanceof Map)
  return whole
}

test('everything that launchd has a key for', () => {
  const unlimited = 2n ** 63n - 1n
  assert.deepEqual(
    readPlist(fullCommand),
    new Map<string, Read>([
      ['Label', 'web'],
      ['ProgramArguments', fullCommand.argv],
      ['UserName', 'daemon'],
      ['GroupName', 'nogroup'],
      ['RootDirectory', '/srv/web root'],
      ['WorkingDirectory', '/tmp'],
      ['Umask', 0o27n],
      ['Nice', -5n],
      [
        'SoftResourceLimits',
        new Map([
          ['Core', unlimited],
          ['NumberOfFiles', 1024n],
        ]),
      ],
      [
        'HardResourceLimits',
        new Map([
          ['Core', unlimited],
          ['NumberOfFiles', unlimited],
        ]),
      ],
      ['EnvironmentVariables', new Map(fullCommand.environment)],
      ['StandardInPath', '/etc/motd'],
      ['StandardOutPath', '/var/log/web 100%.log'],
      ['ExitTimeOut', 0n],
      ['RunAtLoad', true],
      ['KeepAlive', false],
    ]),
  )
})

test('a time-out is whole seconds, and never by chance "for ever"', () => {
  const timeOut = (stopTimeoutMs: number): Read | undefined =>
    readPlist(bootCommand({ stopTimeoutMs })).get('ExitTimeOut')
  assert.equal(timeOut(0), 1n)
  assert.equal(timeOut(1_001), 2n)
  assert.equal(timeOut(Number.POSITIVE_INFINITY), 0n)
})

test('any text is read back, or refused because XML has no notation for it', () => {
  const text = fc.string({ unit: 'binary' }).map((raw) => raw.replaceAll('\0', ''))
  fc.assert(
    fc.property(text, (word) => {
      const command = bootCommand({ argv: ['/bin/sleep', word], ready: `log=${word}` })
      if (/[^\P{Cc}\t\n\r\x7f-\x9f]|\p{Surrogate}|[\ufffe\uffff]/u.test(word)) {
        assert.throws(() => printLaunchdPlist(command), { code: 'ERR_BOOT_TEXT' })
      } else assert.deepEqual(readPlist(command).get('ProgramArguments'), ['/bin/sleep', word])
    }),
    { numRuns: 1_000 },
  )
})

test('dashes in a note do not end the comment', () => {
  for (const ready of ['log=--', 'log=-->', 'log=---', 'log=a -']) readPlist(bootCommand({ ready }))
})

test('what is lost is said, in the list and to the caller', () => {
  assert.deepEqual(printLaunchdPlist(bootCommand()).notes, [])
  const { text, notes } = printLaunchdPlist(fullCommand)
  const said = text.replaceAll(/\s+/g, ' ')
  for (const note of notes) assert.ok(said.includes(note), note)
  for (const word of ['readiness', 'reload', 'SIGQUIT', 'syslog', "'/etc/web.env'", 'rttime']) {
    assert.ok(
      notes.some((note) => note.includes(word)),
      word,
    )
  }
  const numbered = printLaunchdPlist(bootCommand({ user: '1000', ready: 'forking' }))
  assert.equal(numbered.notes.length, 3)
})
