// `timestamps = "inline"`: beside a segment stands a file whose lines carry time and stream. It is
// made from segment and index alone, so after a crash it is simply made again: the same bytes
// over the same bytes. The segment stays what the program wrote.

import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { segmentFileName } from '../protocol/log-index.ts'
import { createLineAssembler, type LineAssembler } from '../protocol/log-line.ts'
import { printStampedLine } from '../protocol/log-stamp.ts'
import { openSegmentTail, type SegmentTail } from './log-tail.ts'

const FILE_MODE = 0o640

export class LogStamper {
  readonly number: number
  /** The size of the stamped file. */
  bytes = 0
  readonly #fd: number
  readonly #assembler: LineAssembler
  readonly #tail: SegmentTail | undefined
  #lines: string[] = []

  /** Derives everything that the segment holds now. Throws what node:fs throws. */
  constructor(directory: string, number: number) {
    this.number = number
    const path = join(directory, segmentFileName(number, 'stamped.log'))
    this.#fd = openSync(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW,
      FILE_MODE,
    )
    this.#assembler = createLineAssembler({
      instance: '',
      // Byte for byte: what is no UTF-8 stays what it is.
      decode: (bytes) =>
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'),
      emit: (item) => {
        if (item.kind === 'line') this.#lines.push(printStampedLine(item))
      },
    })
    const { run } = this.#assembler
    const sink = {
      ...this.#assembler,
      run: (...pieces: Parameters<typeof run>) => {
        run(...pieces)
        this.#write()
      },
    }
    try {
      this.#tail = openSegmentTail(directory, number, 0, sink)
      this.pull()
      ftruncateSync(this.#fd, this.bytes)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Stamps the complete lines that have come since. */
  pull(): void {
    this.#tail?.pull()
    this.#write()
  }

  /** The segment has ended: what is unfinished is given as a part. */
  finish(): void {
    try {
      this.pull()
      this.#assembler.flush()
      this.#write()
    } finally {
      this.close()
    }
  }

  close(): void {
    this.#tail?.close()
    closeSync(this.#fd)
  }

  #write(): void {
    if (this.#lines.length === 0) return
    const text = Buffer.from(this.#lines.join(''), 'latin1')
    this.#lines = []
    for (let at = 0; at < text.length; ) {
      at += writeSync(this.#fd, text, at, text.length - at, this.bytes + at)
    }
    this.bytes += text.length
  }
}
