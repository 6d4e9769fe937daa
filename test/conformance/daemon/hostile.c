/* The worst place to start a daemon from. It plays the terminal and the login shell: a session with
 * a pseudo-terminal, and in it one command as a foreground job, with everything around it that a
 * daemon must not keep (the environment comes from the test). Three processes: the terminal (this
 * one), the shell (leader of the session), the command.
 *
 * hostile DIR UMASK COMMAND...
 *   DIR/tty         written: a second, free pseudo-terminal, for whoever tries to get one
 *   DIR/terminal    written: what came out on the terminal
 *   standard output one line of JSON an event: `began`, `returned`, `closed`
 *   standard input  a line: the terminal is closed, then the shell ends; end of file: all ends */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HIGH_DESCRIPTOR 200

struct result {
  int status;
  long long at;
};

static const char *folder;

static void fail(const char *what) {
  perror(what);
  _exit(70);
}

static char *path_of(const char *name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void make_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) < 0) fail("pipe2");
}

/* Who becomes the parent of an orphan here: init, or a subreaper above us. */
static pid_t find_reaper(void) {
  int ends[2];
  pid_t found = -1;
  make_pipe(ends);
  pid_t child = fork();
  if (child == 0) {
    pid_t self = getpid();
    if (fork() == 0) {
      while (getppid() == self) sched_yield();
      found = getppid();
      if (write(ends[1], &found, sizeof found) < 0) _exit(70);
    }
    _exit(0);
  }
  waitpid(child, NULL, 0);
  if (read(ends[0], &found, sizeof found) != sizeof found) fail("reaper");
  close(ends[0]);
  close(ends[1]);
  return found;
}

static int open_terminal(char *slave, size_t size) {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) fail("posix_openpt");
  if (ptsname_r(master, slave, size) != 0) fail("ptsname_r");
  return master;
}

static int left[6];

/* A file (twice), a pipe and a pair of sockets, without close-on-exec. */
static void leave_descriptors(void) {
  left[0] = open(path_of("inherited"), O_RDWR | O_CREAT, 0666);
  left[1] = HIGH_DESCRIPTOR;
  if (left[0] < 0 || dup2(left[0], left[1]) < 0) fail("inherited");
  if (pipe(left + 2) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, left + 4) < 0) fail("pipe");
}

static void print_left(void) {
  struct stat info;
  fputs("\"inherited\":[", stdout);
  for (size_t at = 0; at < sizeof left / sizeof *left; at++) {
    if (fstat(left[at], &info) < 0) fail("fstat");
    printf("%s%llu", at ? "," : "", (unsigned long long)info.st_ino);
  }
  fputs("],", stdout);
}

static void enter_deleted_folder(void) {
  char *path = path_of("deleted");
  if (mkdir(path, 0777) < 0 || chdir(path) < 0 || rmdir(path) < 0) fail(path);
}

static void spoil_signals(void) {
  static const int blocked[] = {SIGTERM, SIGUSR1, SIGHUP, SIGCHLD, SIGALRM, 35};
  static const int ignored[] = {SIGINT, SIGQUIT, SIGPIPE, SIGCHLD, SIGHUP, SIGTSTP, SIGUSR2, 36};
  sigset_t mask;
  sigemptyset(&mask);
  for (size_t at = 0; at < sizeof blocked / sizeof *blocked; at++) sigaddset(&mask, blocked[at]);
  for (size_t at = 0; at < sizeof ignored / sizeof *ignored; at++) signal(ignored[at], SIG_IGN);
  sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* As large as allowed; false when that is nothing. */
static int allow_core_dumps(void) {
  struct rlimit core = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_CORE, &core) == 0) return 1;
  getrlimit(RLIMIT_CORE, &core);
  core.rlim_cur = core.rlim_max;
  setrlimit(RLIMIT_CORE, &core);
  return core.rlim_cur > 0;
}

static void spoil_rest(mode_t mask) {
  struct sched_param priority = {0};
  const gid_t groups[] = {4, 24, 12345};
  if (geteuid() == 0) setgroups(sizeof groups / sizeof *groups, groups);
  errno = 0;
  if (nice(5) == -1 && errno != 0) fail("nice");
  if (sched_setscheduler(0, SCHED_BATCH, &priority) < 0) fail("sched_setscheduler");
  umask(mask);
}

static void run_command(int slave, mode_t mask, char **words) {
  /* A job of its own in the foreground, as an interactive shell would start it. */
  signal(SIGTTOU, SIG_IGN);
  if (setpgid(0, 0) < 0 || tcsetpgrp(slave, getpid()) < 0) fail("tcsetpgrp");
  signal(SIGTTOU, SIG_DFL);
  for (int fd = 0; fd <= 2; fd++) dup2(slave, fd);
  close(slave);
  enter_deleted_folder();
  spoil_rest(mask);
  spoil_signals();
  execvp(words[0], words);
  fail(words[0]);
}

/* Leads the session, waits for the command, and stays until the terminal program goes. */
static void be_shell(const char *terminal, mode_t mask, char **words, int results, int life) {
  struct result result = {0};
  struct timespec now;
  char byte;
  setsid();
  int slave = open(terminal, O_RDWR | O_NOCTTY);
  if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0) fail(terminal);
  signal(SIGHUP, SIG_IGN);
  pid_t command = fork();
  if (command == 0) run_command(slave, mask, words);
  close(slave);
  waitpid(command, &result.status, 0);
  clock_gettime(CLOCK_MONOTONIC, &now);
  result.at = now.tv_sec * 1000000000LL + now.tv_nsec;
  if (write(results, &result, sizeof result) < 0) fail("results");
  while (read(life, &byte, 1) > 0) continue;
  _exit(0);
}

static void print_returned(int from) {
  struct result result;
  if (read(from, &result, sizeof result) != sizeof result) fail("the shell ended");
  int code = WIFEXITED(result.status) ? WEXITSTATUS(result.status) : 128 + WTERMSIG(result.status);
  printf("{\"event\":\"returned\",\"status\":%d,\"at\":%lld}\n", code, result.at);
}

/* A master whose slaves are all closed reads as an error, which is no reason to leave. */
static int copy(int master, int log) {
  char text[4096];
  ssize_t size = read(master, text, sizeof text);
  return size > 0 && write(log, text, size) == size;
}

static void write_terminal_name(const char *name) {
  FILE *file = fopen(path_of("tty"), "we");
  if (file == NULL || chmod(name, 0666) < 0) fail("tty");
  fputs(name, file);
  fclose(file);
}

int main(int count, char **words) {
  char terminal[128], spare[128], line[16];
  int results[2], life[2];
  if (count < 4) return 64;
  folder = words[1];
  setvbuf(stdout, NULL, _IOLBF, 0);
  int reaper = find_reaper(), can_dump_core = allow_core_dumps();
  int master = open_terminal(terminal, sizeof terminal);
  open_terminal(spare, sizeof spare);
  write_terminal_name(spare);
  int log = open(path_of("terminal"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  make_pipe(results);
  make_pipe(life);
  leave_descriptors();
  pid_t shell = fork();
  if (shell == 0) {
    close(life[1]);
    be_shell(terminal, strtol(words[2], NULL, 8), words + 3, results[1], life[0]);
  }
  close(results[1]);
  fputs("{\"event\":\"began\",", stdout);
  print_left();
  printf("\"reaper\":%d,\"shell\":%d,\"canDumpCore\":%s}\n", reaper, shell,
         can_dump_core ? "true" : "false");
  struct pollfd watched[] = {{.fd = 0, .events = POLLIN},
                             {.fd = results[0], .events = POLLIN},
                             {.fd = master, .events = POLLIN}};
  for (;;) {
    if (poll(watched, 3, -1) < 0) fail("poll");
    if (watched[2].revents && !copy(master, log)) watched[2].fd = -1;
    if (watched[1].revents) {
      print_returned(results[0]);
      watched[1].fd = -1;
    }
    if (!watched[0].revents) continue;
    if (read(0, line, sizeof line) <= 0) return 0;
    if (master < 0) continue;
    watched[2].fd = -1;
    close(master);
    close(life[1]);
    master = -1;
    waitpid(shell, NULL, 0);
    puts("{\"event\":\"closed\"}");
  }
}
