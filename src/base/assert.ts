// Assertions: programmer errors only, and they stay on in production. What a user typed, or what
// the world refused, is never an assertion (see diagnostic.ts and toolkit-error.ts).

export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Throws an AssertionError unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}
