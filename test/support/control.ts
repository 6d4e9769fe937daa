// The control API as any program would speak it: HTTP over the Unix socket. Independent of the
// client in src/, so that a test of the product does not lean on the product.

import { request } from 'node:http'
import type { SupervisorInfo } from '../../src/protocol/response.ts'

export interface Answer {
  readonly status: number
  readonly body: string
}

/** Undefined when nobody listens, or the connection broke before the answer was whole. */
export function ask(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const text = body === undefined ? '' : JSON.stringify(body)
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    }
    const asked = request({ socketPath, method, path, headers, agent: false }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', () => resolve(undefined))
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() })
      })
    })
    asked.on('error', () => resolve(undefined))
    asked.setTimeout(20_000, () => asked.destroy())
    asked.end(text)
  })
}

/** What the supervisor says of itself; undefined while none answers. */
export async function supervisorInfo(socketPath: string): Promise<SupervisorInfo | undefined> {
  const answer = await ask(socketPath, 'GET', '/v1/supervisor')
  return answer?.status === 200 ? (JSON.parse(answer.body) as SupervisorInfo) : undefined
}
