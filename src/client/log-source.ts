// The log of one instance as batches of items, from a place on, over all its segments; it can be
// asked again later for what has come since. Where to begin is worked out in log-seek.ts.

import type { LogStream } from '../protocol/log-index.ts'
import { createLineAssembler, type LineAssembler, type LogItem } from '../protocol/log-line.ts'
import { createRunSplitter, findRun, type RunSplitter } from '../protocol/log-runs.ts'
import { type LogSegment, listSegments, openSegment } from './log-segment.ts'

/** A place to begin reading. */
export interface LogStart {
  readonly segment: number
  readonly offset: number
  /** Streams that are in the middle of a line there, whose beginning is not wanted. */
  readonly skipFirst: readonly LogStream[]
}

export class LogSource {
  readonly instance: string
  readonly directory: string
  readonly #block: Uint8Array
  readonly #assembler: LineAssembler
  #items: LogItem[] = []
  #segment: LogSegment | undefined
  #splitter: RunSplitter | undefined
  #inflated: AsyncIterator<Uint8Array> | undefined
  /** The next segment to open, and where in it; later ones begin at 0. */
  #next: { readonly segment: number; readonly offset: number }
  #hasRead = false

  constructor(directory: string, instance: string, start: LogStart, blockBytes: number) {
    this.instance = instance
    this.directory = directory
    this.#block = new Uint8Array(blockBytes)
    this.#next = start
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    this.#assembler = createLineAssembler({
      instance,
      decode: (bytes) => decoder.decode(bytes),
      emit: (item) => this.#items.push(item),
      skipFirst: start.skipFirst,
    })
  }

  /** The next items; empty when there are none at present. */
  async read(): Promise<readonly LogItem[]> {
    while (this.#items.length === 0) {
      if (this.#segment === undefined && !this.#open()) break
      if (!(await this.#advance())) break
    }
    return this.#take()
  }

  /** What is unfinished, as partial lines. */
  flush(): readonly LogItem[] {
    this.#assembler.flush()
    return this.#take()
  }

  /** True when every line that is still to come began after that time. */
  isBeyond(timeUs: number): boolean {
    const pending = this.#assembler.pendingTimeUs()
    return (this.#splitter?.timeUs() ?? 0) > timeUs && (pending === undefined || pending > timeUs)
  }

  close(): void {
    this.#segment?.close()
    this.#segment = undefined
    this.#splitter = undefined
    this.#inflated = undefined
  }

  #take(): readonly LogItem[] {
    const items = this.#items
    this.#items = []
    return items
  }

  /** False when there is nothing more at present. */
  async #advance(): Promise<boolean> {
    const segment = this.#segment
    if (segment === undefined) return false
    if (this.#inflated !== undefined) {
      const chunk = await this.#inflated.next()
      // Closed while we waited.
      if (this.#segment !== segment) return false
      if (chunk.done === true) this.#finish()
      else this.#splitter?.feed(chunk.value)
      return true
    }
    if (this.#readRaw(segment)) return true
    // A writer has finished a segment before it begins the next: looked for first, read after.
    const hasNewer = (listSegments(this.directory).at(-1) ?? 0) > segment.number
    if (this.#readRaw(segment)) return true
    this.#splitter?.settle()
    if (hasNewer) this.#finish()
    return hasNewer
  }

  #readRaw(segment: LogSegment): boolean {
    const count = segment.read(this.#splitter?.offset() ?? 0, this.#block)
    if (count > 0) this.#splitter?.feed(this.#block.subarray(0, count))
    return count > 0
  }

  #finish(): void {
    this.#splitter?.settle()
    this.#next = { segment: (this.#segment?.number ?? 0) + 1, offset: 0 }
    this.close()
  }

  #open(): boolean {
    for (const number of listSegments(this.directory)) {
      if (number < this.#next.segment) continue
      const segment = openSegment(this.directory, number)
      if (segment === undefined) continue
      const isExpected = number === this.#next.segment
      // Deleted by its limits before we came to it.
      if (!isExpected && this.#hasRead) this.#missing(segment)
      this.#begin(segment, isExpected ? this.#next.offset : 0)
      return true
    }
    return false
  }

  #begin(segment: LogSegment, offset: number): void {
    const { readIndex, fallbackTimeUs } = segment
    // A compressed one is read from its beginning, whatever was asked for.
    const from = segment.isCompressed ? 0 : offset
    const record = from === 0 ? 0 : findRun(readIndex, segment.indexBytes(), from)
    this.#segment = segment
    this.#hasRead = true
    this.#splitter = createRunSplitter(
      readIndex,
      { offset: from, record, fallbackTimeUs },
      this.#assembler,
    )
    if (segment.isCompressed) this.#inflated = segment.inflate()
  }

  #missing(segment: LogSegment): void {
    this.#assembler.flush()
    const { instance } = this
    this.#items.push({ kind: 'gap', instance, timeUs: segment.fallbackTimeUs, bytes: null })
  }
}
