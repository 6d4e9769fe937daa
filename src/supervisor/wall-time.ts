// Wall time for people, in the form of the log.

/** `2026-11-21T05:10:00.123Z` */
export function printWallTime(wallMs: number): string {
  return new Date(wallMs).toISOString()
}
