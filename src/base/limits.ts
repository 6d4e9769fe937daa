// Every bound of the project, named in one place. A queue, buffer or file without a bound is a bug.

/** Services in one project; instances of one service; projects of one supervisor. */
export const MAX_SERVICES_PER_PROJECT = 10_000
export const MAX_INSTANCES_PER_SERVICE = 1_000
export const MAX_PROJECTS = 256

/** The events that wait for the core. Control requests are refused beyond it; facts never are. */
export const MAX_QUEUED_REQUESTS = 10_000

/** One control request's body: a project of 10,000 services fits. */
export const MAX_REQUEST_BYTES = 32 * 1024 * 1024

/** What one control client may have unread before it is cut off. */
export const MAX_CLIENT_BACKLOG_BYTES = 4 * 1024 * 1024

/** Control connections at a time. */
export const MAX_CONTROL_CONNECTIONS = 512

/** Transitions that are kept for `events` and `why`: in total, and of one instance. */
export const MAX_EVENT_HISTORY = 2_000
export const MAX_TRANSITIONS_PER_INSTANCE = 16

/** Restart times of one instance that the burst limit can look back on. */
export const MAX_RESTART_HISTORY = 64

/** The journal is rewritten when it holds this many bytes more than its live records need. */
export const MAX_JOURNAL_SLACK_BYTES = 8 * 1024 * 1024
/** One record of the journal. A longer one is a bug. */
export const MAX_JOURNAL_RECORD_BYTES = 64 * 1024

/** A message of the descriptor store, and how many descriptors go into one (SCM_MAX_FD is 253). */
export const MAX_STORE_MESSAGE_BYTES = 16 * 1024
export const MAX_STORE_MESSAGE_DESCRIPTORS = 250

/** What a hook or an exec probe printed, kept for error messages. */
export const MAX_HOOK_OUTPUT_BYTES = 4 * 1024

/** Crashes of the supervisor within this time bring it up in hold mode. */
export const HOLD_CRASH_COUNT = 3
export const HOLD_CRASH_WINDOW_MS = 60_000

/** Answers and lines of streams that the client accepts: status of 100,000 instances fits. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** The head of one answer over the control socket. */
export const MAX_HTTP_HEAD_BYTES = 64 * 1024
