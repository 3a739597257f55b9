// What a program sees of the directories that it begins with, and that nothing leads out of them. It begins with three: "/" and "data:1",
// which are empty and beside each other, and "dev", which is /dev.
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasi/api.h>
#include "check.h"

enum { ROOT = 3, DATA = 4, DEV = 5 };

static void names(void) {
  __wasi_prestat_t prestat;
  char name[8] = {0};
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_prestat_get(ROOT, &prestat));
  CHECK(prestat.u.dir.pr_name_len == 1);
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_prestat_get(DATA, &prestat));
  CHECK(prestat.u.dir.pr_name_len == 6);
  IS(__WASI_ERRNO_NAMETOOLONG, __wasi_fd_prestat_dir_name(DATA, (uint8_t *)name, 5));
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_prestat_dir_name(DATA, (uint8_t *)name, 7));
  CHECK(strcmp(name, "data:1") == 0);
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_prestat_get(DEV, &prestat));
  IS(__WASI_ERRNO_BADF, __wasi_fd_prestat_get(DEV + 1, &prestat));
}

static int opens(int fd, const char *path) {
  __wasi_fd_t opened = -1;
  int error = __wasi_path_open(fd, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, 0, __WASI_RIGHTS_FD_READ, 0, 0, &opened);
  if (error == 0) close(opened);
  return error;
}

static void fences(void) {
  CHECK(mkdir("/a", 0777) == 0 && mkdir("/a/b", 0777) == 0);
  CHECK(close(open("/a/file", O_CREAT | O_WRONLY, 0666)) == 0);
  CHECK(close(open("data:1/secret", O_CREAT | O_WRONLY, 0666)) == 0);
  CHECK(symlink("../file", "/a/b/up") == 0 && symlink("../../../../dev/null", "/a/b/out") == 0);
  CHECK(symlink("../../1/secret", "/a/other") == 0 && symlink("b", "/a/c") == 0 && symlink("..", "/a/b/above") == 0);
  IS(__WASI_ERRNO_PERM, __wasi_path_symlink("/file", ROOT, "absolute"));
  // By ".." that stays inside, also behind a link.
  IS(__WASI_ERRNO_SUCCESS, opens(ROOT, "a/b/../file"));
  IS(__WASI_ERRNO_SUCCESS, opens(ROOT, "a/c/../file"));
  IS(__WASI_ERRNO_SUCCESS, opens(ROOT, "a/b/up"));
  IS(__WASI_ERRNO_SUCCESS, opens(ROOT, "a/b/above/b/up"));
  IS(__WASI_ERRNO_SUCCESS, opens(ROOT, "a/b/above/../a/file"));
  // Out of it.
  IS(__WASI_ERRNO_PERM, opens(ROOT, ".."));
  IS(__WASI_ERRNO_PERM, opens(ROOT, "../1/secret"));
  IS(__WASI_ERRNO_PERM, opens(ROOT, "a/b/../../.."));
  IS(__WASI_ERRNO_PERM, opens(ROOT, "a/b/out"));
  IS(__WASI_ERRNO_PERM, opens(ROOT, "a/other"));
  IS(__WASI_ERRNO_PERM, opens(ROOT, "/a/file"));
  IS(__WASI_ERRNO_NOENT, opens(ROOT, "none/../../a"));
  // Out of one that was opened since.
  int b = open("/a/b", O_RDONLY | O_DIRECTORY);
  CHECK(b > DEV);
  IS(__WASI_ERRNO_PERM, opens(b, "up"));
  IS(__WASI_ERRNO_PERM, opens(b, "above/file"));
  IS(__WASI_ERRNO_PERM, opens(b, "../file"));
  struct stat status;
  CHECK(fstatat(b, "up", &status, 0) == -1 && errno == EPERM);
  CHECK(fstatat(b, "up", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode));
  CHECK(mkdirat(b, "../x", 0777) == -1 && errno == EPERM);
  CHECK(unlinkat(b, "above/file", 0) == -1 && errno == EPERM);
  CHECK(renameat(b, "up", b, "above/file") == -1 && errno == EPERM);
  CHECK(linkat(b, "up", b, "again", AT_SYMLINK_FOLLOW) == -1 && errno == EPERM);
  // By what is open: only as far as that reaches.
  CHECK(b == 6);
  IS(__WASI_ERRNO_SUCCESS, opens(DEV, "null"));
  IS(__WASI_ERRNO_PERM, opens(DEV, "../etc"));
  IS(__WASI_ERRNO_SUCCESS, opens(DEV, "fd/6/."));
  IS(__WASI_ERRNO_PERM, opens(DEV, "fd/6/../file"));
  close(b);
}

static void listing(void) {
  struct stat status;
  CHECK(stat("/a", &status) == 0);
  DIR *directory = opendir("/a");
  int found = 0;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
    if (strcmp(entry->d_name, ".") == 0) found = entry->d_ino == status.st_ino;
  CHECK(found);
  closedir(directory);
}

static void rights(void) {
  __wasi_fdstat_t status;
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_fdstat_get(ROOT, &status));
  CHECK((status.fs_rights_base & __WASI_RIGHTS_PATH_FILESTAT_SET_SIZE) == 0);
  CHECK((status.fs_rights_base & __WASI_RIGHTS_PATH_FILESTAT_SET_TIMES) != 0);
  CHECK((status.fs_rights_inheriting & __WASI_RIGHTS_FD_ALLOCATE) != 0);
  IS(__WASI_ERRNO_NOTSUP, __wasi_fd_fdstat_set_rights(ROOT, 0, 0));
}

int main(void) {
  names();
  fences();
  listing();
  rights();
  printf("%d failures\n", failures);
  return failures != 0;
}
