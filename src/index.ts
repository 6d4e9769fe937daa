// The public face of the package: re-exports, nothing else.

export type { Diagnostic, Severity } from './base/diagnostic.ts'
export type { ErrorCode } from './base/error-codes.ts'
export { hasCode, ToolkitError, type ToolkitErrorDetails } from './base/toolkit-error.ts'
export type { ProjectDefinition, ServiceDefinition } from './model/service-definition.ts'
