// Colours and safe text for terminals. Colour never carries meaning alone: the words say it too.

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan'

const codes: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
}

export type Paint = (style: Style, text: string) => string

/** `hasColour` false: the text as it is. */
export function createPaint(hasColour: boolean): Paint {
  if (!hasColour) return (_style, text) => text
  // Nothing in colour is still nothing: it must not keep a line from being trimmed.
  return (style, text) =>
    text === '' ? '' : `\u001b[${codes[style][0]}m${text}\u001b[${codes[style][1]}m`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins a colour.
const colourSequence = /\u001b\[[0-9;]*m/g

/** Columns that the text takes, roughly: wide characters count twice, colours not at all. */
export function widthOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const character of text.replace(colourSequence, '')) {
    const code = character.codePointAt(0) ?? 0
    const isCombining = code >= 0x300 && code <= 0x36f
    width += isCombining ? 0 : isWideCode(code) ? 2 : 1
  }
  return width
}

function isWideCode(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  )
}

/**
 * A line that a service wrote, made safe for a terminal: colours stay, every other escape sequence
 * and control character is shown instead of obeyed. Colours do not leak into the next line.
 */
export function toSafeLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  if (!/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/.test(text)) return text
  let hasColour = false
  const safe = text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
    /\u001b\[[0-9;:]*m|[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g,
    (found) => {
      if (found.length > 1) {
        hasColour = true
        return found
      }
      return found === '\r' ? '' : toVisible(found)
    },
  )
  return hasColour ? `${safe}\u001b[0m` : safe
}

/** `^[` for ESC, as terminals and `cat -v` show it. */
function toVisible(character: string): string {
  const code = character.charCodeAt(0)
  if (code === 0x7f) return '^?'
  if (code >= 0x80) return `M-^${String.fromCharCode(code - 0x80 + 64)}`
  return `^${String.fromCharCode(code + 64)}`
}
