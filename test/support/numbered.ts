// Judges what numbered-lines.sh wrote: every line of both streams once, in order, and none else.

export interface Judgement {
  readonly missing: number
  readonly doubled: number
  /** Lines that the program never wrote. */
  readonly foreign: readonly string[]
  readonly last: number
}

/** `lines` are those of one stream: "out 1", "out 2" ... "end N". */
export function judgeLines(lines: readonly string[], word: 'out' | 'err'): Judgement {
  const seen = new Map<number, number>()
  const foreign: string[] = []
  let end = 0
  for (const line of lines) {
    const [first, number] = line.split(' ')
    if (first === word && /^\d+$/.test(number ?? '')) {
      seen.set(Number(number), (seen.get(Number(number)) ?? 0) + 1)
    } else if (first === 'end') end = Number(number)
    // The shell's own word about its sleep, when everything is told to end.
    else if (line !== 'Terminated') foreign.push(line)
  }
  let last = end
  for (const number of seen.keys()) last = Math.max(last, number)
  const doubled = [...seen.values()].reduce((sum, count) => sum + count - 1, 0)
  return { missing: last - seen.size, doubled, foreign, last }
}
