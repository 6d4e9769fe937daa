/* Writes numbered lines of 100 bytes to standard output as fast as it can, once somebody opens the
 * gate (a FIFO) for writing; then it waits for ever, or ends when a fifth word is given.
 * writer NAME RECORD-FILE GATE LINES [end]: it writes a record when it stands at the gate, and another
 * one when the pipe has taken its last line. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 100, BATCH = 640 };

static char block[LINE * BATCH];

static int put(const char *from, size_t left) {
  while (left > 0) {
    ssize_t done = write(1, from, left);
    if (done <= 0) return 111;
    from += done;
    left -= (size_t)done;
  }
  return 0;
}

static int say(const char *name, const char *path) {
  struct timespec now;
  char line[80];
  clock_gettime(CLOCK_MONOTONIC, &now);
  int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  long long ns = now.tv_sec * 1000000000LL + now.tv_nsec;
  snprintf(line, sizeof line, "%-20.20s %20d %21lld\n", name, (int)getpid(), ns);
  return fd == -1 || write(fd, line, 64) != 64 || close(fd) != 0;
}

int main(int argc, char **argv) {
  if (argc < 5) return 100;
  if (say(argv[1], argv[2])) return 111;
  long lines = atol(argv[4]);
  memset(block, 'x', sizeof block);
  close(open(argv[3], O_RDONLY));
  for (long first = 0; first < lines; first += BATCH) {
    long count = lines - first < BATCH ? lines - first : BATCH;
    for (long at = 0; at < count; at += 1) {
      char *start = block + at * LINE;
      long number = first + at;
      for (int digit = 9; digit >= 0; digit -= 1, number /= 10) start[digit] = '0' + number % 10;
      start[10] = ' ';
      start[LINE - 1] = '\n';
    }
    if (put(block, (size_t)count * LINE) != 0) return 111;
  }
  if (say(argv[1], argv[2])) return 111;
  if (argc > 5) return 0;
  for (;;) pause();
}
