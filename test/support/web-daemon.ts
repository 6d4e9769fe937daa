// Asks the fixture program web-daemon.js, and prints boot scripts for it with the real command.

import assert from 'node:assert/strict'
import { run } from './command.ts'
import { program } from './programs.ts'

interface Answer {
  readonly pid: number
  readonly reloads: number
  readonly words: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** One connection, one answer; rejects when nobody listens. */
export async function ask(port: number): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${port}/`)
  return (await answer.json()) as Answer
}

/** The boot script for the server: ready when its port answers, HUP reloads. */
export async function printed(
  printer: string,
  name: string,
  port: number,
  options: readonly string[] = [],
): Promise<string> {
  const command = [process.execPath, program('web-daemon.js'), String(port)]
  const how = [`--name=${name}`, `--ready=tcp=${port}`, '--reload-signal=HUP', ...options]
  const { status, stdout, stderr } = await run(['run', `--${printer}`, ...how, '--', ...command])
  assert.equal(status, 0, stderr)
  return stdout
}
