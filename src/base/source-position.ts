// Where in a user's text something stands. Lines and columns count from 1, columns in characters.

export interface SourcePosition {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** `eudaemon.toml:12:5` */
export function printPosition(position: SourcePosition): string {
  return `${position.file}:${position.line}:${position.column}`
}
