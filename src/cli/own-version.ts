// The version of this program: that of its package.json, two folders up in a checkout and in the
// published package alike.

import { fs } from './builtin.ts'

export function ownVersion(): string {
  const manifest: unknown = JSON.parse(
    fs.readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  )
  return (manifest as { readonly version: string }).version
}
