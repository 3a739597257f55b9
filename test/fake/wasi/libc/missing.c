/*
 * Functions that wasi-libc declares and leaves out: tmpnam() and tmpfile(), whose files are in /tmp, system(), which has no shell, and chmod(), for
 * which WASI has nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SIZE 20 /* L_tmpnam, which its stdio.h leaves out, too */

char *tmpnam(char *name) {
  static char own[NAME_SIZE];
  static unsigned number;
  if (name == NULL) name = own;
  do {
    snprintf(name, NAME_SIZE, "/tmp/file%06u", number++ % 1000000);
  } while (access(name, F_OK) == 0);
  return name;
}

FILE *tmpfile(void) {
  char name[NAME_SIZE];
  int descriptor = open(tmpnam(name), O_RDWR | O_CREAT | O_EXCL, 0600);
  if (descriptor < 0) return NULL;
  unlink(name);
  return fdopen(descriptor, "w+");
}

int system(const char *command) {
  if (command == NULL) return 0;
  errno = ENOSYS;
  return -1;
}

int chmod(const char *path, mode_t mode) {
  (void)path, (void)mode;
  errno = ENOSYS;
  return -1;
}
