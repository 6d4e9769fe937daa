// A problem in a definition, named by the path of the setting. Whoever has the text turns it into
// a diagnostic with a position; whoever has only JSON turns it into one without.

import type { Diagnostic, Severity } from '../base/diagnostic.ts'
import type { DiagnosticCode } from '../base/diagnostic-codes.ts'
import type { SourcePosition } from '../base/source-position.ts'

/** Keys and list indexes (from 0): `['services', 'web', 'requires', 0]`. */
export type SettingPath = readonly (string | number)[]

export interface Problem {
  readonly severity: Severity
  readonly code: DiagnosticCode
  readonly path: SettingPath
  readonly message: string
  readonly hint?: string
}

/** `services.web.requires[0]`; keys that need it are quoted as in TOML. */
export function printSettingPath(path: SettingPath): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else {
      const key = /^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part)
      text += text === '' ? key : `.${key}`
    }
  }
  return text
}

/** `locate` finds the position of a setting, or of the nearest thing around it. */
export function toDiagnostic(
  problem: Problem,
  locate?: (path: SettingPath) => SourcePosition | undefined,
): Diagnostic {
  const position = locate?.(problem.path)
  return {
    severity: problem.severity,
    code: problem.code,
    message: problem.message,
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    ...(position === undefined ? {} : { position }),
    ...(problem.path.length === 0 ? {} : { setting: printSettingPath(problem.path) }),
  }
}
