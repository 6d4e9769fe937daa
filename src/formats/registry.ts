// The list of formats; the only file that names them all.

import type { FormatName, Importer } from './format.ts'
import { nativeImporter } from './native/read.ts'
import { procfileImporter } from './procfile/import.ts'

/** In the order in which their files are looked for in a folder. */
export const importers: readonly Importer[] = [nativeImporter, procfileImporter]

/** File names to try in a folder, the first first: `eudaemon.toml`, `Procfile`. */
export const definitionFileNames: readonly string[] = importers.flatMap(
  ({ fileNames }) => fileNames,
)

/** By the name of the file, else by how the text looks; undefined when neither helps. */
export function detectFormat(fileName: string, text: string): Importer | undefined {
  const name = fileName.split('/').at(-1) ?? ''
  const byName = importers.find(({ fileNames }) => fileNames.includes(name))
  if (byName !== undefined) return byName
  // web.toml is meant as TOML even when its syntax is broken; Procfile.dev is a Procfile.
  if (name.endsWith('.toml')) return nativeImporter
  if (/^Procfile\./.test(name)) return procfileImporter
  return importers.find(({ detect }) => detect(text))
}

/** The importer of a format. */
export function findImporter(format: FormatName): Importer {
  return format === 'native' ? nativeImporter : procfileImporter
}
