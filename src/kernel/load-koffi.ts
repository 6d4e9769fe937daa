// Finds koffi's native module and loads it without the wrapper around it. The wrapper reads every
// property of node:util and node:fs, which takes 6 ms of each command; all that it adds are names
// that koffi itself calls deprecated. Where the native module is not where npm puts it, koffi
// loads it.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'

export type Koffi = typeof import('koffi')

/** The version that package.json asks for: the parts of another one may not fit together. */
export const KOFFI_VERSION = '3.3.4'

/** Throws what koffi throws when it cannot be loaded. */
export function loadKoffi(): Koffi {
  const { arch } = process
  const file = `@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`
  const root = decodeURIComponent(new URL('../../', import.meta.url).pathname)
  // In a checkout, or when npm has put our dependencies below us; and beside us, as it mostly does.
  for (const path of [`${root}node_modules/${file}`, `${root}../${file}`]) {
    const found = existsSync(path) ? loadNative(path) : null
    if (found !== null) return found
  }
  return createRequire(import.meta.url)('koffi') as Koffi
}

function loadNative(path: string): Koffi | null {
  const module: { readonly exports: Partial<Koffi> } = { exports: {} }
  try {
    process.dlopen(module, path)
  } catch {
    // Of another C library, or damaged: koffi says what is wrong.
    return null
  }
  return module.exports.version === KOFFI_VERSION ? (module.exports as Koffi) : null
}
