// Sentences as comments of the printed files: wrapped, each line with its mark.

const WIDTH = 78

/** Lines of at most 78 columns behind `# `; a sentence that is a note stands behind `# - `. */
export function hashComment(text: string, mark = '# '): readonly string[] {
  return wrap(text, WIDTH - mark.length).map((line, at) =>
    `${at === 0 ? mark : mark.replace('-', ' ')}${line}`.trimEnd(),
  )
}

/** The notes as one paragraph each; nothing when there are none. */
export function noteComment(system: string, notes: readonly string[]): readonly string[] {
  if (notes.length === 0) return []
  return [
    '#',
    ...hashComment(`What ${system} cannot do, or does differently:`),
    ...notes.flatMap((note) => hashComment(note, '# - ')),
  ]
}

/** Broken at spaces; a longer word has a line of its own. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length <= width || line === '') line = longer
    else {
      lines.push(line)
      line = word
    }
  }
  return [...lines, line]
}
