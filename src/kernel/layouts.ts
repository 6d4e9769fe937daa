// Sizes, field offsets and constants of the C structs that this folder writes and reads by hand,
// for 64-bit glibc Linux. Everything is the same on x86-64, arm64 and riscv64 but for epoll_event,
// which is packed on x86-64 only. `scripts/layout-check.c` prints the same from the C headers, and
// a test compares the two.

export interface StructLayout {
  readonly size: number
  readonly fields: Readonly<Record<string, number>>
}

/** Architectures that koffi and these layouts support. */
export const supportedArchitectures: readonly string[] = ['x64', 'arm64', 'riscv64']

const packedEpoll = process.arch === 'x64'

export const layouts = {
  epoll_event: { size: packedEpoll ? 12 : 16, fields: { events: 0, data: packedEpoll ? 4 : 8 } },
  siginfo_t: {
    size: 128,
    fields: { si_signo: 0, si_errno: 4, si_code: 8, si_pid: 16, si_uid: 20, si_status: 24 },
  },
  msghdr: {
    size: 56,
    fields: {
      msg_name: 0,
      msg_namelen: 8,
      msg_iov: 16,
      msg_iovlen: 24,
      msg_control: 32,
      msg_controllen: 40,
      msg_flags: 48,
    },
  },
  iovec: { size: 16, fields: { iov_base: 0, iov_len: 8 } },
  cmsghdr: { size: 16, fields: { cmsg_len: 0, cmsg_level: 8, cmsg_type: 12 } },
  ucred: { size: 12, fields: { pid: 0, uid: 4, gid: 8 } },
  rlimit: { size: 16, fields: { rlim_cur: 0, rlim_max: 8 } },
  pollfd: { size: 8, fields: { fd: 0, events: 4, revents: 6 } },
  passwd: { size: 48, fields: { pw_name: 0, pw_uid: 16, pw_gid: 20, pw_dir: 32, pw_shell: 40 } },
  group: { size: 32, fields: { gr_name: 0, gr_gid: 16, gr_mem: 24 } },
  sigset_t: { size: 128, fields: {} },
  posix_spawnattr_t: { size: 336, fields: {} },
  posix_spawn_file_actions_t: { size: 80, fields: {} },
  /** linux/pidfd.h since 6.13; `exit_code` since 6.15. Headers of older systems lack it. */
  pidfd_info: {
    size: 64,
    fields: { mask: 0, cgroupid: 8, pid: 16, tgid: 20, ppid: 24, exit_code: 60 },
  },
} as const satisfies Record<string, StructLayout>

/** Constants by their C names. */
export const constants = {
  EPOLL_CLOEXEC: 0x80000,
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_DEL: 2,
  EPOLL_CTL_MOD: 3,
  EPOLLIN: 0x001,
  EPOLLPRI: 0x002,
  EPOLLOUT: 0x004,
  EPOLLERR: 0x008,
  EPOLLHUP: 0x010,
  EPOLLRDHUP: 0x2000,
  EPOLLONESHOT: 0x40000000,
  EPOLLET: 0x80000000,
  POLLIN: 0x001,
  P_PID: 1,
  P_PIDFD: 3,
  WNOHANG: 1,
  WSTOPPED: 2,
  WEXITED: 4,
  CLD_EXITED: 1,
  CLD_KILLED: 2,
  CLD_DUMPED: 3,
  SPLICE_F_MOVE: 1,
  SPLICE_F_NONBLOCK: 2,
  F_GETFD: 1,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  F_DUPFD_CLOEXEC: 1030,
  F_SETPIPE_SZ: 1031,
  F_GETPIPE_SZ: 1032,
  FD_CLOEXEC: 1,
  FIONREAD: 0x541b,
  O_NONBLOCK: 0o4000,
  O_CLOEXEC: 0o2000000,
  AF_UNIX: 1,
  SOCK_SEQPACKET: 5,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_SNDBUF: 7,
  SO_PEERCRED: 17,
  SO_SNDBUFFORCE: 32,
  SO_PEEK_OFF: 42,
  SCM_RIGHTS: 1,
  MSG_PEEK: 0x02,
  MSG_CTRUNC: 0x08,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
  MSG_NOSIGNAL: 0x4000,
  MSG_CMSG_CLOEXEC: 0x40000000,
  PR_SET_NAME: 15,
  PR_SET_CHILD_SUBREAPER: 36,
  PR_GET_CHILD_SUBREAPER: 37,
  RLIMIT_NOFILE: 7,
  LOCK_EX: 2,
  LOCK_NB: 4,
  SIG_SETMASK: 2,
  POSIX_SPAWN_SETPGROUP: 0x02,
  POSIX_SPAWN_SETSIGDEF: 0x04,
  POSIX_SPAWN_SETSIGMASK: 0x08,
  POSIX_SPAWN_SETSID: 0x80,
  SYS_pidfd_send_signal: 424,
  SYS_pidfd_open: 434,
  /** `_IOWR(0xFF, 11, struct pidfd_info)`, and the mask bits that ask for and confirm a field. */
  PIDFD_GET_INFO: 0xc040ff0b,
  PIDFD_INFO_EXIT: 8,
} as const satisfies Record<string, number>
