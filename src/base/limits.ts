// Every bound of the project, named in one place. A queue, buffer or file without a bound is a bug.

/** Services in one project; instances of one service; projects of one supervisor. */
export const MAX_SERVICES_PER_PROJECT = 10_000
export const MAX_INSTANCES_PER_SERVICE = 1_000
export const MAX_PROJECTS = 256

/** The events that wait for the core. Control requests are refused beyond it; facts never are. */
export const MAX_QUEUED_REQUESTS = 10_000

/** One control request's body: a project of 10,000 services fits. */
export const MAX_REQUEST_BYTES = 32 * 1024 * 1024

/** The bodies of all control requests that are being received, together. */
export const MAX_REQUEST_BYTES_TOTAL = 96 * 1024 * 1024

/** What one control client may have unread before it is cut off. */
export const MAX_CLIENT_BACKLOG_BYTES = 4 * 1024 * 1024

/** The soft limit of open files by convention: what select(2) can count up to. */
export const DEFAULT_SOFT_OPEN_FILES = 1_024

/** Control connections at a time. */
export const MAX_CONTROL_CONNECTIONS = 512

/** Transitions that are kept for `events` and `why`: in total, and of one instance. */
export const MAX_EVENT_HISTORY = 2_000
export const MAX_TRANSITIONS_PER_INSTANCE = 16

/** Restart times of one instance that the burst limit can look back on. */
export const MAX_RESTART_HISTORY = 64

/** The journal is rewritten when it holds this many bytes more than its live records need. */
export const MAX_JOURNAL_SLACK_BYTES = 8 * 1024 * 1024
/** One record of the journal. A longer one is a bug: what can be long has files of its own. */
export const MAX_JOURNAL_RECORD_BYTES = 1024 * 1024
/** How long a record that the disk refused waits before it is tried again: at first, at most. */
export const FIRST_WRITE_RETRY_MS = 500
export const MAX_WRITE_RETRY_MS = 10_000
/**
 * The files of damaged journal lines that are kept for a person to look at, and the size of one.
 */
export const MAX_QUARANTINE_FILES = 16
export const MAX_QUARANTINE_BYTES = 1024 * 1024

/** A message of the descriptor store, and how many descriptors go into one (SCM_MAX_FD is 253). */
export const MAX_STORE_MESSAGE_BYTES = 16 * 1024
export const MAX_STORE_MESSAGE_DESCRIPTORS = 250

/** What a hook or an exec probe printed, kept for error messages. */
export const MAX_HOOK_OUTPUT_BYTES = 4 * 1024

/** Crashes of the supervisor within this time bring it up in hold mode. */
export const HOLD_CRASH_COUNT = 3
export const HOLD_CRASH_WINDOW_MS = 60_000

/** Descriptor events that are handled in one turn of the loop. */
export const MAX_POLL_BATCH = 256

/** Descriptors in one message over a Unix socket: the kernel's own bound, SCM_MAX_FD. */
export const MAX_DESCRIPTORS_PER_MESSAGE = 253
/** The payload of one message over a Unix socket. */
export const MAX_SOCKET_PAYLOAD_BYTES = 64 * 1024

/** What is read of a file in /proc; an environment is limited to a quarter of the stack. */
export const MAX_PROC_FILE_BYTES = 16 * 1024 * 1024

/** Passes over a cgroup that is killed process by process, on kernels without cgroup.kill. */
export const MAX_KILL_PASSES = 64

/** Places where a home's supervisors made control groups that could not be removed yet. */
export const MAX_CGROUP_ROOTS = 16

/** Groups that a user is a member of: the kernel's own bound, NGROUPS_MAX. */
export const MAX_GROUPS_OF_USER = 65_536
/** Characters in one definition file: 10,000 services of 400 characters each. */
export const MAX_DEFINITION_TEXT = 4_194_304
/** Tables and lists nested in a definition file. */
export const MAX_DEFINITION_DEPTH = 32
/** Problems reported for one file; what is beyond is counted. */
export const MAX_DIAGNOSTICS = 200
/** Copies of all services of one project together. */
export const MAX_INSTANCES_PER_PROJECT = 20_000
/** Characters in a project or service name. */
export const MAX_NAME_LENGTH = 64
/** Words in one command. */
export const MAX_ARGUMENTS = 4_096
/** Characters in one word of a command, a path, a value: MAX_ARG_STRLEN of execve(2). */
export const MAX_TEXT_LENGTH = 131_071
/** Characters in all names and values of one service's environment. */
export const MAX_ENVIRONMENT_LENGTH = 1_048_576
/** Variables in one service's environment. */
export const MAX_ENVIRONMENT_VARIABLES = 4_096
/** Names in one dependency list, group list or file list. */
export const MAX_LIST_LENGTH = 10_000
/** Characters in the pattern of a log readiness. */
export const MAX_PATTERN_LENGTH = 1_000

/** All log files of all services together, unless the operator says otherwise. */
export const DEFAULT_TOTAL_LOG_BYTES = 1024 * 1024 * 1024
/** One segment of a log, whatever `max-size` says: offsets in the index have 32 bits. */
export const MAX_LOG_SEGMENT_BYTES = 2 * 1024 * 1024 * 1024
/** Rotated segments of one instance, whatever `keep` says. */
export const MAX_ROTATED_LOG_SEGMENTS = 1_000
/** Instances whose segment and index are held open; the least recently written is closed first. */
export const MAX_OPEN_LOG_SEGMENTS = 256
/** What one stream may move in one turn of the loop, so that a chatty service starves nobody. */
export const MAX_LOG_TURN_BYTES = 1024 * 1024
/** A longer line is given in parts. */
export const MAX_LOG_LINE_BYTES = 64 * 1024
/** Segments that wait for compression; what does not fit is compressed after the next start. */
export const MAX_COMPRESSION_QUEUE = 4_096
/** What a reader that follows or merges many instances may hold in its read buffers together. */
export const MAX_LOG_READ_BUFFER_BYTES = 16 * 1024 * 1024
/** How many lines `logs -n` can ask for. */
export const MAX_LOG_TAIL_LINES = 1_000_000
/** The longest time that is not infinite: 100 years. */
export const MAX_DURATION_MS = 100 * 365 * 86_400_000

/** One env file. Read at every start of a service that names it, unless it is unchanged. */
export const MAX_ENV_FILE_BYTES = 1024 * 1024
/** Answers about users, programs, folders and env files that are remembered between two starts. */
export const MAX_LAUNCH_CACHE_ENTRIES = 4_096
/** What a failing step between fork and exec may say: fits into a pipe in one write (pipe(7)). */
export const MAX_STAGE_REPORT_BYTES = 4_096

/** Answers and lines of streams that the client accepts: status of 100,000 instances fits. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** The head of one answer over the control socket. */
export const MAX_HTTP_HEAD_BYTES = 64 * 1024
/** What is read of the body of a probe's answer before the connection is cut. */
export const MAX_PROBE_BODY_BYTES = 64 * 1024
/** How much of what a service writes to its notify descriptor is looked at in one turn. */
export const MAX_NOTIFY_PEEK_BYTES = 4 * 1024
/** Characters of the last failure of a probe that are kept. */
export const MAX_PROBE_FAILURE_LENGTH = 300
/** Processes of one service in which the holder of a port is looked for before all others. */
export const MAX_PORT_HOLDER_SEARCH = 256

/** What a queue of the descriptor store asks for; 30,000 messages of some descriptors fit. Without
 *  CAP_NET_ADMIN the kernel gives at most twice net.core.wmem_max. */
export const STORE_QUEUE_BYTES = 32 * 1024 * 1024
/** The name of an entry of the descriptor store, in characters. */
export const MAX_STORE_NAME_LENGTH = 512
/** Stale entries, and new messages, that the descriptor store holds before it is compacted. */
export const MIN_STORE_STALE_ENTRIES = 64
export const MIN_STORE_NEW_MESSAGES = 512

/** The last lines of logs that one request may ask for. */
export const MAX_LINES_ASKED = 100_000

/** The supervisor's own log; one old file of the same size is kept. */
export const MAX_SUPERVISOR_LOG_BYTES = 4 * 1024 * 1024
/** A life of the supervisor that is shorter counts as short. After so many in a row the guardian
 *  waits a second between two. */
export const SHORT_LIFE_SECONDS = 5
export const MAX_SHORT_LIVES = 5

/** One sd_notify datagram, as systemd bounds it (PIPE_BUF). A longer one is ignored and counted. */
export const MAX_NOTIFY_MESSAGE_BYTES = 4_096
/** The name of a descriptor that is stored: FDNAME of sd_notify(3). */
export const MAX_FD_NAME_LENGTH = 255

/** One line for syslog, without its head; what daemons of syslog take by default. Longer ones are
 *  cut. */
export const MAX_SYSLOG_TEXT_BYTES = 8 * 1024 - 256
/** The tag of a syslog line (RFC 3164, 4.1.3). */
export const MAX_SYSLOG_TAG_LENGTH = 32

/** Notify messages of one socket that are read in one turn of the loop. */
export const MAX_NOTIFY_TURN_MESSAGES = 64
/** How much of what a starting daemon writes is relayed at once. */
export const MAX_RELAY_READ_BYTES = 64 * 1024
/** A line of a starting daemon that `--ready log=` looks at; a longer one is looked at in parts. */
export const MAX_READY_LINE_LENGTH = 64 * 1024
/** Processes of one daemon that are found and killed when its start has failed. */
export const MAX_DAEMON_PROCESSES = 100_000
/** Between two looks where the kernel tells of no change: the last step before exec, a PID file. */
export const DAEMON_LOOK_INTERVAL_MS = 5
/** Between two connections to a starting daemon. */
export const DAEMON_PROBE_INTERVAL_MS = 20
/** After SIGKILL: a process that is still there hangs in the kernel. */
export const DAEMON_KILL_PATIENCE_MS = 10_000
/** How long one connection to a starting daemon may take. */
export const DAEMON_PROBE_TIMEOUT_MS = 2_000
/** A PID file; what is larger is something else. */
export const MAX_PID_FILE_BYTES = 4_096
/** How often a PID file is looked at again that was replaced just then. */
export const MAX_PID_FILE_ATTEMPTS = 1_000
/** The longest time that one timer of Node can wait: 24 days. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/** How long a program waits for room in the queue of its supervisor's notify socket. */
export const MAX_NOTIFY_SEND_WAIT_MS = 1_000
/** Descriptors that are passed to a program by LISTEN_FDS; more is a variable gone wrong. */
export const MAX_PASSED_DESCRIPTORS = 4_096
/** Characters of a STATUS that a program of ours sends; three bytes each still fit. */
export const MAX_STATUS_LENGTH = 1_200
/** How long the end of a program may take by default: supervisors allow more before SIGKILL. */
/** How long the end of a program may take by default: less than supervisors allow until SIGKILL. */
export const DRAIN_TIMEOUT_MS = 8_000
/** How long a program may take by default until it says that it is ready. */
export const READY_TIMEOUT_MS = 90_000
