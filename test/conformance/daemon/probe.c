/* The daemon that looks at itself: what it got from whoever started it, as JSON. The state is taken
 * before anything is opened or changed; then it waits for orders on a FIFO. It judges nothing: the
 * rules are in rules.ts.
 *
 * probe DIR [READY_AFTER_MS]
 *   DIR/started     written at once: the pid
 *   DIR/ready       written when it is ready (and NOTIFY_SOCKET told so): monotonic nanoseconds
 *   DIR/control     a FIFO, one letter an order:
 *     r  look again at parent, session and terminal, try to get the terminal named in DIR/tty,
 *        write DIR/report
 *     h  from now on count every signal, with none blocked; SIGUSR1 writes DIR/counters
 *     d  back to the mask and the dispositions it was started with
 *     q  end
 * Files appear by rename, so they are whole. It ends by itself after three minutes. */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LAST_SIGNAL 64
#define LIFE_SECONDS 180

extern char **environ;

static const char *folder;
static volatile sig_atomic_t counts[LAST_SIGNAL + 1];
static volatile sig_atomic_t is_asked;

static void fail(const char *what) {
  perror(what);
  exit(70);
}

static char *path_of(const char *name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

/* A file of ours, readable by all whatever the umask is, appears when it is closed. */
static FILE *open_file(void) {
  char *path = path_of("writing");
  unlink(path);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 || fchmod(fd, 0644) < 0) fail(path);
  return fdopen(fd, "w");
}

static void close_file(FILE *file, const char *name) {
  if (fclose(file) != 0) fail(name);
  char *from = strdup(path_of("writing"));
  if (rename(from, path_of(name)) < 0) fail(name);
  free(from);
}

static void print_string(FILE *out, const char *text) {
  fputc('"', out);
  for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
    if (*at == '"' || *at == '\\') fprintf(out, "\\%c", *at);
    else if (*at < 0x20 || *at >= 0x7f) fprintf(out, "\\u%04x", *at);
    else fputc(*at, out);
  }
  fputc('"', out);
}

static void print_named(FILE *out, const char *name, const char *text) {
  fprintf(out, "\"%s\":", name);
  print_string(out, text);
  fputs(",\n", out);
}

static void print_link(FILE *out, const char *name, const char *path) {
  char target[4096];
  ssize_t size = readlink(path, target, sizeof target - 1);
  target[size < 0 ? 0 : size] = '\0';
  print_named(out, name, target);
}

/* ---- descriptors ---- */

static void print_descriptor(FILE *out, int fd) {
  char path[64], target[4096];
  struct stat info = {0};
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(path, target, sizeof target - 1);
  target[size < 0 ? 0 : size] = '\0';
  fstat(fd, &info);
  int flags = fcntl(fd, F_GETFL), own = fcntl(fd, F_GETFD);
  const char *access[] = {"read", "write", "both", "none"};
  fprintf(out, "{\"fd\":%d,\"access\":\"%s\",\"append\":%s,\"closeOnExec\":%s,", fd,
          access[flags & O_ACCMODE], flags & O_APPEND ? "true" : "false",
          own & FD_CLOEXEC ? "true" : "false");
  fprintf(out, "\"offset\":%lld,\"inode\":%llu,", (long long)lseek(fd, 0, SEEK_CUR),
          (unsigned long long)info.st_ino);
  fputs("\"target\":", out);
  print_string(out, target);
  fputc('}', out);
}

static void print_descriptors(FILE *out) {
  DIR *listing = opendir("/proc/self/fd");
  if (listing == NULL) fail("/proc/self/fd");
  const char *comma = "";
  fputs("\"descriptors\":[", out);
  for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
    int fd = atoi(entry->d_name);
    if (entry->d_name[0] == '.' || fd == dirfd(listing)) continue;
    fprintf(out, "%s\n", comma);
    print_descriptor(out, fd);
    comma = ",";
  }
  fputs("],\n", out);
  closedir(listing);
}

/* ---- signals: by system call, as the C library hides two of them ---- */

typedef unsigned long long mask_t;

struct kernel_action {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)(void);
  mask_t mask;
};

static void print_mask(FILE *out, const char *name, mask_t mask) {
  const char *comma = "";
  fprintf(out, "\"%s\":[", name);
  for (int number = 1; number <= LAST_SIGNAL; number++) {
    if (!(mask >> (number - 1) & 1)) continue;
    fprintf(out, "%s%d", comma, number);
    comma = ",";
  }
  fputs("],\n", out);
}

static mask_t status_mask(const char *field) {
  FILE *status = fopen("/proc/self/status", "re");
  char line[4096];
  mask_t mask = 0;
  size_t size = strlen(field);
  if (status == NULL) fail("/proc/self/status");
  while (fgets(line, sizeof line, status) != NULL) {
    if (strncmp(line, field, size) != 0 || line[size] != ':') continue;
    mask = strtoull(line + size + 1, NULL, 16);
  }
  fclose(status);
  return mask;
}

static void print_signals(FILE *out) {
  mask_t blocked = 0, pending = 0, ignored = 0, caught = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof blocked);
  syscall(SYS_rt_sigpending, &pending, sizeof pending);
  for (int number = 1; number <= LAST_SIGNAL; number++) {
    struct kernel_action action = {0};
    syscall(SYS_rt_sigaction, number, NULL, &action, sizeof action.mask);
    if (action.handler == SIG_IGN) ignored |= 1ULL << (number - 1);
    else if (action.handler != SIG_DFL) caught |= 1ULL << (number - 1);
  }
  if (ignored != status_mask("SigIgn") || caught != status_mask("SigCgt")) {
    fputs("rt_sigaction and /proc/self/status disagree\n", stderr);
    exit(70);
  }
  print_mask(out, "blocked", blocked);
  print_mask(out, "pending", pending);
  print_mask(out, "ignored", ignored);
  print_mask(out, "caught", caught);
}

/* ---- the rest of what a process inherits ---- */

static void print_files(FILE *out) {
  struct stat here = {0};
  mode_t mask = umask(0);
  umask(mask);
  fprintf(out, "\"umask\":%u,\n", mask);
  print_link(out, "directory", "/proc/self/cwd");
  print_link(out, "root", "/proc/self/root");
  fprintf(out, "\"isDirectoryDeleted\":%s,\n",
          stat(".", &here) < 0 || here.st_nlink == 0 ? "true" : "false");
}

static void print_ids(FILE *out) {
  uid_t uid[3];
  gid_t gid[3], groups[1024];
  getresuid(&uid[0], &uid[1], &uid[2]);
  getresgid(&gid[0], &gid[1], &gid[2]);
  fprintf(out, "\"uids\":[%u,%u,%u],\"gids\":[%u,%u,%u],\"groups\":[", uid[0], uid[1], uid[2],
          gid[0], gid[1], gid[2]);
  int size = getgroups(1024, groups);
  for (int at = 0; at < size; at++) fprintf(out, "%s%u", at ? "," : "", groups[at]);
  fputs("],\n", out);
}

static void print_limit(FILE *out, rlim_t limit) {
  if (limit == RLIM_INFINITY) fputs("null", out);
  else fprintf(out, "%llu", (unsigned long long)limit);
}

static void print_limits(FILE *out) {
  static const struct {
    const char *name;
    int resource;
  } all[] = {{"as", RLIMIT_AS},           {"core", RLIMIT_CORE},
             {"cpu", RLIMIT_CPU},         {"data", RLIMIT_DATA},
             {"fsize", RLIMIT_FSIZE},     {"locks", RLIMIT_LOCKS},
             {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE},
             {"nice", RLIMIT_NICE},       {"nofile", RLIMIT_NOFILE},
             {"nproc", RLIMIT_NPROC},     {"rss", RLIMIT_RSS},
             {"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME},
             {"sigpending", RLIMIT_SIGPENDING}, {"stack", RLIMIT_STACK}};
  fputs("\"limits\":{", out);
  for (size_t at = 0; at < sizeof all / sizeof *all; at++) {
    struct rlimit limit;
    getrlimit(all[at].resource, &limit);
    fprintf(out, "%s\"%s\":[", at ? "," : "", all[at].name);
    print_limit(out, limit.rlim_cur);
    fputc(',', out);
    print_limit(out, limit.rlim_max);
    fputc(']', out);
  }
  fputs("},\n", out);
}

static void print_rest(FILE *out) {
  fprintf(out, "\"dumpable\":%d,\"noNewPrivileges\":%d,\"nice\":%d,\"scheduler\":%d,\n",
          prctl(PR_GET_DUMPABLE), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
          getpriority(PRIO_PROCESS, 0), sched_getscheduler(0));
  fputs("\"environment\":[", out);
  for (char **entry = environ; *entry != NULL; entry++) {
    fputs(entry == environ ? "\n" : ",\n", out);
    print_string(out, *entry);
  }
  fputs("],\n", out);
}

/* ---- terminal ---- */

static long terminal_number(void) {
  FILE *stat = fopen("/proc/self/stat", "re");
  char line[4096] = "";
  long number = -1;
  if (stat == NULL || fgets(line, sizeof line, stat) == NULL) fail("/proc/self/stat");
  fclose(stat);
  sscanf(strrchr(line, ')') + 1, " %*c %*d %*d %*d %ld", &number);
  return number;
}

static const char *open_dev_tty(void) {
  int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (fd < 0) return strerrorname_np(errno);
  close(fd);
  return "opened";
}

/* A session leader that gives its terminal up is sent SIGHUP and SIGCONT: not part of the test.
 * Setting "ignore" again discards one that is blocked and therefore waits. */
static void give_up(int terminal) {
  struct sigaction ignore = {.sa_handler = SIG_IGN}, before[2];
  sigaction(SIGHUP, &ignore, &before[0]);
  sigaction(SIGCONT, &ignore, &before[1]);
  ioctl(terminal, TIOCNOTTY);
  sigaction(SIGHUP, &ignore, NULL);
  sigaction(SIGCONT, &ignore, NULL);
  sigaction(SIGHUP, &before[0], NULL);
  sigaction(SIGCONT, &before[1], NULL);
}

static void print_terminal(FILE *out) {
  char path[256] = "";
  FILE *name = fopen(path_of("tty"), "re");
  if (name == NULL || fgets(path, sizeof path, name) == NULL) fail("tty");
  fclose(name);
  long before = terminal_number();
  fprintf(out, "\"terminal\":%ld,", before);
  print_named(out, "devTty", open_dev_tty());
  int fd = open(path, O_RDWR | O_CLOEXEC);
  print_named(out, "opening", fd < 0 ? strerrorname_np(errno) : "opened");
  long after = terminal_number();
  fprintf(out, "\"terminalAfterOpening\":%ld,\n", after);
  if (before == 0 && after != 0) give_up(fd);
  if (fd >= 0) close(fd);
}

/* ---- life ---- */

static char *report;
static pid_t first_parent;

static void take_state(void) {
  size_t size;
  FILE *out = open_memstream(&report, &size);
  first_parent = getppid();
  print_signals(out);
  print_descriptors(out);
  print_files(out);
  print_ids(out);
  print_limits(out);
  print_rest(out);
  fclose(out);
}

static void write_report(void) {
  FILE *out = open_file();
  fprintf(out, "{\"program\":\"probe\",\"pid\":%d,\"firstParent\":%d,\"parent\":%d,", getpid(),
          first_parent, getppid());
  fprintf(out, "\"group\":%d,\"session\":%d,\n%s", getpgrp(), getsid(0), report);
  print_terminal(out);
  fputs("\"end\":true}\n", out);
  close_file(out, "report");
}

static void write_counters(void) {
  FILE *out = open_file();
  fputs("{", out);
  for (int number = 1; number <= LAST_SIGNAL; number++) {
    fprintf(out, "%s\"%d\":%d", number > 1 ? "," : "", number, (int)counts[number]);
  }
  fputs("}\n", out);
  close_file(out, "counters");
}

static void write_number(const char *name, long long number) {
  FILE *out = open_file();
  fprintf(out, "%lld\n", number);
  close_file(out, name);
}

static void on_signal(int number) {
  counts[number]++;
  if (number == SIGUSR1) is_asked = 1;
}

static struct sigaction first_actions[LAST_SIGNAL + 1];
static sigset_t first_mask;
static int is_counting;

/* Signals come in only while it waits: nothing else is interrupted, none is missed. */
static void count_signals(void) {
  sigset_t all;
  struct sigaction count = {.sa_handler = on_signal};
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &first_mask);
  for (int number = 1; number <= LAST_SIGNAL; number++) {
    sigaction(number, &count, &first_actions[number]);
  }
  is_counting = 1;
  write_counters();
}

static void stop_counting(void) {
  for (int number = 1; number <= LAST_SIGNAL; number++) {
    sigaction(number, &first_actions[number], NULL);
  }
  sigprocmask(SIG_SETMASK, &first_mask, NULL);
  is_counting = 0;
  write_counters();
}

static void tell_ready(void) {
  struct timespec now;
  const char *path = getenv("NOTIFY_SOCKET");
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  clock_gettime(CLOCK_MONOTONIC, &now);
  write_number("ready", now.tv_sec * 1000000000LL + now.tv_nsec);
  if (path == NULL || strlen(path) >= sizeof to.sun_path) return;
  memcpy(to.sun_path, path, strlen(path));
  if (path[0] == '@') to.sun_path[0] = '\0';
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  socklen_t size = offsetof(struct sockaddr_un, sun_path) + strlen(path);
  /* Nobody may be listening: then there is nobody to tell. */
  sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&to, size);
  close(fd);
}

static void obey(char order) {
  if (order == 'r') write_report();
  if (order == 'h') count_signals();
  if (order == 'd') stop_counting();
  if (order == 'q') exit(0);
}

int main(int count, char **words) {
  if (count < 2) return 64;
  folder = words[1];
  take_state();
  int control = open(path_of("control"), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (control < 0) fail("control");
  write_number("started", getpid());
  if (count > 2) usleep(atoi(words[2]) * 1000);
  tell_ready();
  struct timespec left = {.tv_sec = LIFE_SECONDS};
  struct pollfd orders = {.fd = control, .events = POLLIN};
  sigset_t none;
  sigemptyset(&none);
  for (;;) {
    char order;
    int ready = ppoll(&orders, 1, &left, is_counting ? &none : NULL);
    if (ready == 0) return 75;
    if (is_asked) {
      is_asked = 0;
      write_counters();
    }
    if (ready > 0 && read(control, &order, 1) == 1) obey(order);
  }
}
