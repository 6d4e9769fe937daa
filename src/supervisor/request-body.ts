// Bodies of control requests: read whole, within a bound for each and one for all together.

import type { IncomingMessage } from 'node:http'
import { MAX_REQUEST_BYTES, MAX_REQUEST_BYTES_TOTAL } from '../base/limits.ts'
import { ToolkitError } from '../base/toolkit-error.ts'

export interface BodyReader {
  /**
   * What JSON.parse makes of it; undefined when it is empty. Throws ERR_BAD_REQUEST,
   * ERR_REQUEST_TOO_LARGE and ERR_TOO_MANY_REQUESTS.
   */
  read(request: IncomingMessage): Promise<unknown>
}

/** The sum is counted over all requests that go through one reader. */
export function createBodyReader(): BodyReader {
  let totalBytes = 0

  async function read(request: IncomingMessage): Promise<unknown> {
    const chunks: Buffer[] = []
    let bytes = 0
    try {
      assertSize(Number(request.headers['content-length'] ?? 0))
      // Not `for await`: leaving that would destroy the socket, and with it the answer.
      await new Promise<void>((resolve, reject) => {
        request.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          totalBytes += chunk.length
          const isTooMuch = bytes > MAX_REQUEST_BYTES || totalBytes > MAX_REQUEST_BYTES_TOTAL
          if (!isTooMuch) chunks.push(chunk)
          else {
            request.removeAllListeners('data')
            request.resume()
            reject(bytes > MAX_REQUEST_BYTES ? tooLarge() : tooMany())
          }
        })
        request.once('end', resolve)
        request.once('error', () => reject(cutOff()))
        request.once('close', () => reject(cutOff()))
      })
    } finally {
      totalBytes -= bytes
    }
    return parse(Buffer.concat(chunks))
  }

  return { read }
}

function assertSize(declared: number): void {
  if (declared > MAX_REQUEST_BYTES) throw tooLarge()
}

function parse(body: Buffer): unknown {
  if (body.length === 0) return undefined
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw notJson(error)
  }
}

function notJson(cause: unknown): ToolkitError {
  return new ToolkitError('ERR_BAD_REQUEST', 'the body is no JSON', { cause })
}

function tooLarge(): ToolkitError {
  const limit = `${MAX_REQUEST_BYTES / 1024 / 1024} MiB`
  return new ToolkitError('ERR_REQUEST_TOO_LARGE', `the request is larger than ${limit}`)
}

function tooMany(): ToolkitError {
  return new ToolkitError('ERR_TOO_MANY_REQUESTS', 'too many large requests at a time')
}

function cutOff(): ToolkitError {
  return new ToolkitError('ERR_BAD_REQUEST', 'the request was cut off')
}
