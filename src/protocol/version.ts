// The version of the control protocol, and who understands whom. Both sides send theirs in the
// header `eudaemon-protocol` of every message.
//
//   1   the first: projects, want, signal, scale, status, events, why, logs

/** What this program speaks. */
export const PROTOCOL_VERSION = 1
/** The oldest that it still understands. */
const OLDEST_PROTOCOL = 1

export const PROTOCOL_HEADER = 'eudaemon-protocol'
/** The version of the program that answers, for messages to people. */
export const VERSION_HEADER = 'eudaemon-version'
/** The number of the last event that an answer already shows. */
export const SEQUENCE_HEADER = 'eudaemon-sequence'

/** The digest of the running definition, with the status of one project: tells drift. */
export const DEFINITION_HEADER = 'eudaemon-definition'

/** Why the supervisor holds, with a status, percent-encoded; absent: it does not. */
export const HOLD_HEADER = 'eudaemon-hold'

/** True when a message with this header value can be understood; a missing one counts as 1. */
export function isUnderstood(header: string | undefined): boolean {
  const version = header === undefined ? 1 : Number(header)
  return Number.isInteger(version) && version >= OLDEST_PROTOCOL && version <= PROTOCOL_VERSION
}
