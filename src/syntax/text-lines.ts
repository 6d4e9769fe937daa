// From an offset in a text to its line and column, without walking the text again each time.

import type { SourcePosition } from '../base/source-position.ts'

/** Returns a function from an offset (in UTF-16 units) to a position. */
export function createPositionFinder(
  text: string,
  file: string,
): (offset: number) => SourcePosition {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    const column = [...text.slice(starts[low] ?? 0, offset)].length + 1
    return { file, line: low + 1, column }
  }
}
