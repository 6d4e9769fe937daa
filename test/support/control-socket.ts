// A control server around a fake target in a folder of its own, closed and removed after the test.

import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ControlServer, openControlServer } from '../../src/supervisor/control-server.ts'
import type { ControlTarget } from '../../src/supervisor/control-target.ts'

export interface ServedTarget {
  readonly path: string
  readonly server: ControlServer
}

export function freshFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'eud-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function serve(t: TestContext, target: ControlTarget): Promise<ServedTarget> {
  const path = join(freshFolder(t), 'control.sock')
  const server = await openControlServer({ path, target })
  t.after(() => server.close())
  return { path, server }
}

/** Sends bytes as they are; resolves to everything that came back until the other side ended. */
export function sendRaw(path: string, text: string | readonly Buffer[]): Promise<string> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ path })
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    // A refusal may come as a reset when the server has not read all that was sent.
    socket.on('error', () => {})
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()))
    if (typeof text === 'string') socket.write(text)
    else for (const piece of text) socket.write(piece)
  })
}
