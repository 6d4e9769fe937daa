// Every error code, once: what it means and what to do. docs/reference/errors.md is made from this
// table. A code that is not used is deleted; a new one starts here.

export const errorCodes = {
  ERR_KERNEL_CALL: {
    meaning: 'A system call failed.',
    remedy: 'The message names the call, the errno and the path; see the man page of the call.',
  },
  ERR_KERNEL_UNSUPPORTED: {
    meaning: 'This kernel or C library lacks a call that eudaemon needs.',
    remedy: 'Run `eudaemon doctor`; it lists what is missing and from which version it exists.',
  },
  ERR_BAD_OPTION: {
    meaning: 'The value of an option of `eudaemon run` or daemonize() cannot be used.',
    remedy: 'The message names the option and shows what it takes.',
  },
  ERR_DAEMON_STREAM: {
    meaning: 'A file for standard input, output or error of a daemon cannot be opened.',
    remedy: 'Give a file that can be made, or `null`, or `syslog`.',
  },
  ERR_DAEMON_STEP: {
    meaning: 'A step by which a program becomes a daemon failed.',
    remedy: 'The message names the step and what the system said about it.',
  },
  ERR_ALREADY_RUNNING: {
    meaning: 'The PID file belongs to a process that runs, or that is being started.',
    remedy: 'Stop that one first, or use another PID file.',
  },
  ERR_NO_DEFINITION: {
    meaning: 'There is no definition: neither where -f points to nor in this folder.',
    remedy: 'Write an eudaemon.toml, or name a file with -f.',
  },
  ERR_BAD_HOME: {
    meaning: 'The directories of the supervisor cannot be used.',
    remedy: 'Set EUDAEMON_HOME to a short, writable, absolute path.',
  },
  ERR_SUPERVISOR_NOT_RUNNING: {
    meaning: 'No supervisor listens on the control socket.',
    remedy: 'Start one with `eudaemon up -d`, or check that EUDAEMON_HOME is the one it uses.',
  },
  ERR_SUPERVISOR_UNREACHABLE: {
    meaning: 'The control socket is there, but the supervisor behind it cannot be talked to.',
    remedy: 'Run the command as the user who owns the supervisor; `eudaemon doctor` tells more.',
  },
  ERR_VERSION_MISMATCH: {
    meaning: 'The running supervisor speaks another version of the control protocol.',
    remedy: 'Use the command of the same version, or stop the supervisor and start the new one.',
  },
  ERR_NO_SERVICE: {
    meaning: 'No service, or no instance of it, has the name that was given.',
    remedy: 'Run `eudaemon status --all` to see what there is.',
  },
  ERR_NO_PROJECT: {
    meaning: 'The supervisor runs no project of that name.',
    remedy: 'Start it with `eudaemon up`, or run `eudaemon status --all` to see what there is.',
  },
  ERR_NO_ROUTE: {
    meaning: 'The control API has no such path, or not with this method.',
    remedy: 'GET /v1/openapi.json lists every path.',
  },
  ERR_BAD_REQUEST: {
    meaning: 'A request to the control API does not have the form of one.',
    remedy: 'The message names the field; GET /v1/openapi.json describes every request.',
  },
  ERR_REQUEST_TOO_LARGE: {
    meaning: 'A request to the control API is larger than the supervisor accepts.',
    remedy: 'Split the project into several.',
  },
  ERR_REQUEST_REFUSED: {
    meaning: 'The control API does not serve this peer: a browser, or another user.',
    remedy: 'Use the command or a program of the same user.',
  },
  ERR_INVALID_DEFINITION: {
    meaning: 'A definition has errors and was not applied.',
    remedy: 'Run `eudaemon check` on the file; it shows each problem with its place.',
  },
  ERR_STILL_RUNNING: {
    meaning: 'The supervisor was asked to end while services run.',
    remedy: 'Stop them first with `eudaemon down`.',
  },
  ERR_TOO_MANY_REQUESTS: {
    meaning: 'The supervisor has more connections or requests than it accepts at a time.',
    remedy: 'Try again; close streams that nobody reads.',
  },
  ERR_CLIENT_TOO_SLOW: {
    meaning: 'A stream was cut off, because its reader did not keep up.',
    remedy: 'Read faster, or start again from the last sequence number that arrived.',
  },
  ERR_BAD_ANSWER: {
    meaning: 'What came over the control socket is no answer of a supervisor.',
    remedy: 'Check what listens on the control socket; `eudaemon doctor` names it.',
  },
  ERR_STATE_DIRECTORY_FULL: {
    meaning: 'A record could not be written: the file system of the state directory is full.',
    remedy: 'Make room; what runs goes on running, nothing new is started until then.',
  },
  ERR_STATE_DIRECTORY_READ_ONLY: {
    meaning: 'The runtime, state or log directory cannot be written.',
    remedy: 'Make it writable for the user of the supervisor, or set EUDAEMON_HOME.',
  },
  ERR_STATE_DIRECTORY_UNUSABLE: {
    meaning: 'The state directory cannot be used: a file is in its place, or the disk fails.',
    remedy: 'The message names the path and what the system said about it.',
  },
  ERR_STATE_VERSION: {
    meaning: 'The state directory was written by a newer version of eudaemon.',
    remedy: 'Use that version, or move the state directory away.',
  },
  ERR_DESCRIPTOR_STORE_FULL: {
    meaning: 'No more descriptors can be kept for the next supervisor.',
    remedy: 'Raise the hard limit of open files (RLIMIT_NOFILE), or run fewer services.',
  },
  ERR_BOOT_TEXT: {
    meaning: 'A boot script for a command cannot be printed: it could not hold a part of it.',
    remedy: 'The message names the part; use absolute paths, plain names and printable text.',
  },
  ERR_PID_FILE_UNUSABLE: {
    meaning: 'The PID file cannot be made, locked or written where it was asked for.',
    remedy: 'The message names the folder; choose one that this user may write, as /run/NAME.',
  },
  ERR_PID_FILE_UNSAFE: {
    meaning: 'What has the name of the PID file may be a trap, or a file that is something else.',
    remedy: 'Look at the file; remove it if it is not needed, or choose another name.',
  },
  ERR_PID_FILE_BUSY: {
    meaning: 'Another start or stop with the same PID file is under way.',
    remedy: 'Try again when it has ended.',
  },
  ERR_OWNER_UNKNOWN: {
    meaning: 'Nothing proves which process the PID file is about, so none was touched.',
    remedy:
      'The message says what is missing; look at the process, and remove a file that is wrong.',
  },
  ERR_OWNER_NOT_PERMITTED: {
    meaning: 'The process that owns the PID file belongs to another user.',
    remedy: 'Run the command as that user or as root.',
  },
  ERR_OWNER_SURVIVED: {
    meaning: 'The process that owns the PID file did not end within the time-out.',
    remedy: 'Allow SIGKILL or a longer time; in state D it waits for a device (`ps -o stat`).',
  },
  ERR_NO_SYSLOG: {
    meaning: 'No syslog daemon listens on the syslog socket.',
    remedy: 'Start one (rsyslogd, syslog-ng, systemd-journald), or log to a file.',
  },
  ERR_NO_NOTIFY_SOCKET: {
    meaning: 'There is no folder where the notify socket of a daemon could be made.',
    remedy: 'Make /run or /tmp writable, or set XDG_RUNTIME_DIR to a short path.',
  },
} as const satisfies Record<string, { readonly meaning: string; readonly remedy: string }>

/** The `code` of a ToolkitError. */
export type ErrorCode = keyof typeof errorCodes
