// Paths as text: joined and made plain without asking a disk. Symbolic links are not followed.

/** `path` as seen from `directory` (absolute); `.`, `..` and doubled slashes are removed. */
export function resolvePath(directory: string, path: string): string {
  const parts: string[] = []
  const whole = path.startsWith('/') ? path : `${directory}/${path}`
  for (const part of whole.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return `/${parts.join('/')}`
}

/** The last part of a path: `shop` for `/srv/shop/`; empty for `/`. */
export function baseName(path: string): string {
  return (
    path
      .split('/')
      .filter((part) => part !== '')
      .at(-1) ?? ''
  )
}
