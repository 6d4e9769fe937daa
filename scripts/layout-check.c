/* Prints sizes, field offsets and constants as the C headers of this machine have them. A test
 * compiles and runs this file and compares with src/kernel/layouts.ts, line by line. What an older
 * header does not know is printed as `absent`. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <linux/magic.h>
#if __has_include(<linux/pidfd.h>)
/* It includes linux/fcntl.h, which old C libraries define a second time; only ours is wanted. */
#define _LINUX_FCNTL_H
#include <linux/types.h>
#include <linux/ioctl.h>
#include <linux/pidfd.h>
#endif

#define SIZE(type) printf("size %s %zu\n", #type, sizeof(type))
#define SIZE_STRUCT(name) printf("size %s %zu\n", #name, sizeof(struct name))
#define OFFSET(type, field) printf("offset %s.%s %zu\n", #type, #field, offsetof(type, field))
#define FIELD(name, field) printf("offset %s.%s %zu\n", #name, #field, offsetof(struct name, field))
#define CONSTANT(name) printf("constant %s %llu\n", #name, (unsigned long long)(unsigned int)(name))
#define ABSENT(name) printf("absent %s\n", #name)

static void structs(void) {
  SIZE_STRUCT(epoll_event); FIELD(epoll_event, events); FIELD(epoll_event, data);
  SIZE(siginfo_t); OFFSET(siginfo_t, si_signo); OFFSET(siginfo_t, si_errno);
  OFFSET(siginfo_t, si_code); OFFSET(siginfo_t, si_pid); OFFSET(siginfo_t, si_uid);
  OFFSET(siginfo_t, si_status);
  SIZE_STRUCT(msghdr); FIELD(msghdr, msg_name); FIELD(msghdr, msg_namelen);
  FIELD(msghdr, msg_iov); FIELD(msghdr, msg_iovlen); FIELD(msghdr, msg_control);
  FIELD(msghdr, msg_controllen); FIELD(msghdr, msg_flags);
  SIZE_STRUCT(iovec); FIELD(iovec, iov_base); FIELD(iovec, iov_len);
  SIZE_STRUCT(cmsghdr); FIELD(cmsghdr, cmsg_len); FIELD(cmsghdr, cmsg_level);
  FIELD(cmsghdr, cmsg_type);
  SIZE_STRUCT(ucred); FIELD(ucred, pid); FIELD(ucred, uid); FIELD(ucred, gid);
  SIZE_STRUCT(sockaddr_un); FIELD(sockaddr_un, sun_family); FIELD(sockaddr_un, sun_path);
  SIZE_STRUCT(rlimit); FIELD(rlimit, rlim_cur); FIELD(rlimit, rlim_max);
  SIZE_STRUCT(flock); FIELD(flock, l_type); FIELD(flock, l_whence); FIELD(flock, l_start);
  FIELD(flock, l_len); FIELD(flock, l_pid);
  SIZE_STRUCT(statfs); FIELD(statfs, f_type);
  SIZE_STRUCT(pollfd); FIELD(pollfd, fd); FIELD(pollfd, events); FIELD(pollfd, revents);
  SIZE_STRUCT(passwd); FIELD(passwd, pw_name); FIELD(passwd, pw_uid); FIELD(passwd, pw_gid);
  FIELD(passwd, pw_dir); FIELD(passwd, pw_shell);
  SIZE_STRUCT(group); FIELD(group, gr_name); FIELD(group, gr_gid); FIELD(group, gr_mem);
  SIZE(sigset_t);
  SIZE(posix_spawnattr_t);
  SIZE(posix_spawn_file_actions_t);
}

static void constants(void) {
  CONSTANT(EPOLL_CLOEXEC); CONSTANT(EPOLL_CTL_ADD); CONSTANT(EPOLL_CTL_DEL);
  CONSTANT(EPOLL_CTL_MOD); CONSTANT(EPOLLIN); CONSTANT(EPOLLPRI); CONSTANT(EPOLLOUT);
  CONSTANT(EPOLLERR); CONSTANT(EPOLLHUP); CONSTANT(EPOLLRDHUP); CONSTANT(EPOLLONESHOT);
  CONSTANT(EPOLLET); CONSTANT(POLLIN);
  CONSTANT(P_ALL); CONSTANT(P_PID); CONSTANT(WNOHANG); CONSTANT(WNOWAIT);
  CONSTANT(WEXITED); CONSTANT(WSTOPPED);
  CONSTANT(CLD_EXITED); CONSTANT(CLD_KILLED); CONSTANT(CLD_DUMPED);
  CONSTANT(SPLICE_F_MOVE); CONSTANT(SPLICE_F_NONBLOCK);
  CONSTANT(F_GETFD); CONSTANT(F_SETFD); CONSTANT(F_GETFL); CONSTANT(F_SETFL);
  CONSTANT(F_OFD_GETLK); CONSTANT(F_OFD_SETLK); CONSTANT(F_WRLCK); CONSTANT(F_UNLCK);
  CONSTANT(F_DUPFD_CLOEXEC); CONSTANT(F_SETPIPE_SZ); CONSTANT(F_GETPIPE_SZ);
  CONSTANT(FD_CLOEXEC); CONSTANT(FIONREAD); CONSTANT(O_NONBLOCK); CONSTANT(O_CLOEXEC);
  CONSTANT(AF_UNIX); CONSTANT(AF_INET); CONSTANT(AF_INET6);
  CONSTANT(SOCK_STREAM); CONSTANT(SOCK_DGRAM); CONSTANT(SOCK_NONBLOCK);
  CONSTANT(SO_TYPE); CONSTANT(SO_PASSCRED); CONSTANT(SO_ACCEPTCONN); CONSTANT(SO_DOMAIN);
  CONSTANT(SCM_CREDENTIALS); CONSTANT(SOCK_SEQPACKET); CONSTANT(SOCK_CLOEXEC); CONSTANT(SOL_SOCKET);
  CONSTANT(SO_SNDBUF); CONSTANT(SO_PEERCRED); CONSTANT(SO_SNDBUFFORCE); CONSTANT(SO_PEEK_OFF);
  CONSTANT(SCM_RIGHTS);
  CONSTANT(MSG_PEEK); CONSTANT(MSG_CTRUNC); CONSTANT(MSG_TRUNC); CONSTANT(MSG_DONTWAIT);
  CONSTANT(MSG_NOSIGNAL); CONSTANT(MSG_CMSG_CLOEXEC);
  CONSTANT(PR_SET_NAME); CONSTANT(PR_SET_CHILD_SUBREAPER); CONSTANT(PR_GET_CHILD_SUBREAPER);
  CONSTANT(RLIMIT_CORE); CONSTANT(RLIMIT_NOFILE); CONSTANT(LOCK_SH); CONSTANT(LOCK_EX); CONSTANT(LOCK_NB);
  CONSTANT(LOCK_UN); CONSTANT(SIG_SETMASK);
  CONSTANT(POSIX_SPAWN_SETPGROUP); CONSTANT(POSIX_SPAWN_SETSIGDEF);
  CONSTANT(POSIX_SPAWN_SETSIGMASK); CONSTANT(POSIX_SPAWN_SETSID);
}

/* P_PIDFD is an enumerator in new C libraries; glibc has it since 2.36, as this macro tells. */
static void newer(void) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 36)
  CONSTANT(P_PIDFD);
#else
  ABSENT(P_PIDFD);
#endif
#ifdef SYS_pidfd_send_signal
  CONSTANT(SYS_pidfd_send_signal);
#else
  ABSENT(SYS_pidfd_send_signal);
#endif
#ifdef SYS_pidfd_open
  CONSTANT(SYS_pidfd_open);
#else
  ABSENT(SYS_pidfd_open);
#endif
#ifdef SO_PASSPIDFD
  CONSTANT(SO_PASSPIDFD);
#else
  ABSENT(SO_PASSPIDFD);
#endif
#ifdef SCM_PIDFD
  CONSTANT(SCM_PIDFD);
#else
  ABSENT(SCM_PIDFD);
#endif
#ifdef PIDFD_INFO_EXIT
  CONSTANT(PIDFD_INFO_EXIT);
  CONSTANT(PIDFD_GET_INFO);
  FIELD(pidfd_info, mask); FIELD(pidfd_info, cgroupid); FIELD(pidfd_info, pid);
  FIELD(pidfd_info, tgid); FIELD(pidfd_info, ppid); FIELD(pidfd_info, exit_code);
#else
  ABSENT(PIDFD_INFO_EXIT);
  ABSENT(PIDFD_GET_INFO);
  ABSENT(pidfd_info);
#endif
#ifdef PID_FS_MAGIC
  CONSTANT(PID_FS_MAGIC);
#else
  ABSENT(PID_FS_MAGIC);
#endif
#ifdef PIDFD_INFO_SIZE_VER0
  /* Later headers append fields; the first version is what we ask for. */
  printf("size pidfd_info %d\n", PIDFD_INFO_SIZE_VER0);
#else
  ABSENT(pidfd_info.size);
#endif
}

int main(void) {
  structs();
  constants();
  newer();
  return 0;
}
