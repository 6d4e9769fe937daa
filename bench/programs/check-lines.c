/* Reads the writer's lines from files, in order, and demands every one of them exactly once. Each line
 * may have a prefix (a time stamp) of SKIP bytes.
 * check-lines SKIP LINES FILE...: says what is wrong and fails, or says nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  char line[256];
  char number[32];
  long next = 0;
  if (argc < 4) return 100;
  size_t skip = (size_t)atol(argv[1]);
  long lines = atol(argv[2]);
  for (int index = 3; index < argc; index += 1) {
    FILE *file = fopen(argv[index], "r");
    if (file == NULL) return 111;
    while (fgets(line, sizeof line, file) != NULL) {
      snprintf(number, sizeof number, "%010ld ", next);
      size_t length = strlen(line);
      if (length != skip + 100 || memcmp(line + skip, number, 11) != 0 ||
          strspn(line + skip + 11, "x") != 88) {
        printf("%s: line %ld expected, found: %.120s\n", argv[index], next, line);
        return 1;
      }
      next += 1;
    }
    fclose(file);
  }
  if (next != lines) printf("%ld lines instead of %ld\n", next, lines);
  return next == lines ? 0 : 1;
}
