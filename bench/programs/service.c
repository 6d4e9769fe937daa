/* The service of the measurements. Its first act is to append its name, its pid and the monotonic
 * time to a record file, in one write of 64 bytes; then it waits for ever.
 * service NAME RECORD-FILE */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct timespec now;
  char line[80];
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (argc != 3) return 100;
  int fd = open(argv[2], O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd == -1) return 111;
  long long ns = now.tv_sec * 1000000000LL + now.tv_nsec;
  snprintf(line, sizeof line, "%-20.20s %20d %21lld\n", argv[1], (int)getpid(), ns);
  if (write(fd, line, 64) != 64) return 111;
  close(fd);
  for (;;) pause();
}
