// Files and directories: each function of WASI, by libc where that has it, directly where not, with bad arguments. A line that fails is told, and counted.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasi/api.h>
#include "check.h"

enum { ROOT = 3 };
#define NOWHERE ((void *)0xfffffff0)

static void embedded(void) {
  char text[64] = {0};
  FILE *file = fopen("/etc/motd", "r");
  CHECK(file != NULL);
  CHECK(fread(text, 1, sizeof text, file) == 11 && strcmp(text, "be welcome\n") == 0);
  CHECK(fclose(file) == 0);
  CHECK(fopen("/etc/motd", "r+") == NULL && errno == EROFS);
  CHECK(fopen("/etc/none", "r") == NULL && errno == ENOENT);
  CHECK(fopen("/etc/motd/none", "r") == NULL && errno == ENOTDIR);
  struct stat status;
  CHECK(stat("etc/motd", &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 11);
  CHECK(status.st_mtim.tv_sec == 1700000000 && status.st_mtim.tv_nsec / 1000000 == 123);
  CHECK(stat("/", &status) == 0 && S_ISDIR(status.st_mode));
  CHECK(stat("/dev/null", &status) == 0 && S_ISCHR(status.st_mode));
}

static void allocation(int fd) {
  struct stat status;
  char text[8];
  CHECK(ftruncate(fd, 5) == 0 && pwrite(fd, "01234", 5, 0) == 5);
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_allocate(fd, 1, 2));
  CHECK(fstat(fd, &status) == 0 && status.st_size == 5);
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_allocate(fd, 4, 20000));
  CHECK(fstat(fd, &status) == 0 && status.st_size == 20004);
  CHECK(pread(fd, text, 7, 0) == 7 && memcmp(text, "01234\0\0", 7) == 0);
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_APPEND));
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_allocate(fd, 0, 30000));
  CHECK(fstat(fd, &status) == 0 && status.st_size == 30000);
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_fdstat_set_flags(fd, 0));
  // More than there is: nothing changes.
  IS(__WASI_ERRNO_NOSPC, __wasi_fd_allocate(fd, 0, 1ull << 40));
  CHECK(fstat(fd, &status) == 0 && status.st_size == 30000);
  IS(__WASI_ERRNO_INVAL, __wasi_fd_allocate(fd, 0, 0));
  IS(__WASI_ERRNO_FBIG, __wasi_fd_allocate(fd, 1, INT64_MAX));
  IS(__WASI_ERRNO_FBIG, __wasi_fd_allocate(fd, -1, 1));
  IS(__WASI_ERRNO_BADF, __wasi_fd_allocate(ROOT, 0, 1));
  IS(__WASI_ERRNO_BADF, __wasi_fd_allocate(97, 0, 1));
  IS(__WASI_ERRNO_NODEV, __wasi_fd_allocate(1, 0, 1));
  CHECK(ftruncate(fd, 5) == 0);
}

static void files(void) {
  int fd = open("/tmp/file", O_RDWR | O_CREAT | O_EXCL, 0666);
  CHECK(fd == 4);
  CHECK(open("/tmp/file", O_RDWR | O_CREAT | O_EXCL, 0666) == -1 && errno == EEXIST);
  CHECK(write(fd, "0123456789", 10) == 10);
  CHECK(lseek(fd, 0, SEEK_CUR) == 10 && lseek(fd, -4, SEEK_END) == 6);
  char text[32] = {0};
  CHECK(read(fd, text, sizeof text) == 4 && strcmp(text, "6789") == 0);
  CHECK(lseek(fd, -1, SEEK_SET) == -1 && errno == EINVAL);
  CHECK(pread(fd, text, 3, 2) == 3 && strncmp(text, "234", 3) == 0);
  CHECK(pwrite(fd, "ab", 2, 12) == 2 && lseek(fd, 0, SEEK_END) == 14);
  CHECK(ftruncate(fd, 5) == 0 && lseek(fd, 0, SEEK_END) == 5);
  CHECK(fsync(fd) == 0 && fdatasync(fd) == 0);
  struct stat status;
  CHECK(fstat(fd, &status) == 0 && status.st_size == 5 && status.st_nlink == 1);
  struct timespec times[2] = {{1000, 5}, {2000, 6}};
  CHECK(futimens(fd, times) == 0 && fstat(fd, &status) == 0);
  CHECK(status.st_atim.tv_sec == 1000 && status.st_mtim.tv_sec == 2000 && status.st_mtim.tv_nsec == 6);
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = 3000;
  CHECK(utimensat(AT_FDCWD, "/tmp/file", times, 0) == 0 && stat("/tmp/file", &status) == 0);
  CHECK(status.st_atim.tv_sec == 1000 && status.st_mtim.tv_sec == 3000);
  IS(__WASI_ERRNO_INVAL, __wasi_fd_filestat_set_times(fd, 0, 0, 3));
  IS(__WASI_ERRNO_INVAL, __wasi_fd_filestat_set_times(fd, 0, 0, 16));
  IS(__WASI_ERRNO_INVAL, __wasi_fd_filestat_set_size(fd, -1));
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_advise(fd, 0, 0, __WASI_ADVICE_WILLNEED));
  IS(__WASI_ERRNO_INVAL, __wasi_fd_advise(fd, 0, 0, 6));
  allocation(fd);
  CHECK(close(fd) == 0 && close(fd) == -1 && errno == EBADF);

  fd = open("/tmp/file", O_WRONLY | O_APPEND);
  CHECK(write(fd, "+", 1) == 1 && lseek(fd, 0, SEEK_CUR) == 6);
  CHECK(read(fd, text, 1) == -1 && errno == EBADF);
  CHECK(fcntl(fd, F_GETFL) == (O_WRONLY | O_APPEND));
  CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_GETFL) == (O_WRONLY | O_NONBLOCK));
  IS(__WASI_ERRNO_NOTSUP, __wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_SYNC));
  IS(__WASI_ERRNO_INVAL, __wasi_fd_fdstat_set_flags(fd, 32));
  close(fd);
  fd = open("/tmp/file", O_RDONLY);
  CHECK(write(fd, "x", 1) == -1 && errno == EBADF);
  close(fd);
  fd = open("/tmp/file", O_WRONLY | O_TRUNC);
  CHECK(fstat(fd, &status) == 0 && status.st_size == 0);
  close(fd);
}

static void names(void) {
  char text[32] = {0};
  struct stat status, other;
  CHECK(mkdir("/tmp/d", 0777) == 0 && mkdir("/tmp/d", 0777) == -1 && errno == EEXIST);
  CHECK(mkdir("/etc/d", 0777) == -1 && errno == EROFS);
  CHECK(link("/tmp/file", "/tmp/d/again") == 0 && stat("/tmp/d/again", &other) == 0 && other.st_nlink == 2);
  CHECK(stat("/tmp/file", &status) == 0 && status.st_ino == other.st_ino && status.st_dev == other.st_dev);
  CHECK(symlink("d/again", "/tmp/link") == 0 && readlink("/tmp/link", text, sizeof text) == 7);
  CHECK(strcmp(text, "d/again") == 0 && readlink("/tmp/file", text, 8) == -1 && errno == EINVAL);
  CHECK(stat("/tmp/link", &status) == 0 && S_ISREG(status.st_mode));
  CHECK(lstat("/tmp/link", &status) == 0 && S_ISLNK(status.st_mode));
  CHECK(open("/tmp/link", O_RDONLY | O_NOFOLLOW) == -1 && errno == ELOOP);
  CHECK(symlink("/etc", "/tmp/absolute") == -1 && errno == EPERM);
  CHECK(rename("/tmp/d/again", "/tmp/d/moved") == 0 && stat("/tmp/d/again", &status) == -1 && errno == ENOENT);
  CHECK(rename("/tmp/d", "/tmp/d/below") == -1 && errno == EINVAL);
  CHECK(rmdir("/tmp/d") == -1 && errno == ENOTEMPTY);
  CHECK(rmdir("/tmp/file") == -1 && errno == ENOTDIR);
  CHECK(unlink("/tmp/d") == -1 && errno == EISDIR);
  CHECK(unlink("/tmp/link") == 0 && unlink("/tmp/link") == -1 && errno == ENOENT);
  CHECK(unlink("/tmp/d/moved") == 0 && rmdir("/tmp/d") == 0);
}

static void listing(void) {
  char name[64];
  mkdir("/tmp/many", 0777);
  for (int i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "/tmp/many/a-file-with-a-long-name-%d", i);
    CHECK(fclose(fopen(name, "w")) == 0);
  }
  DIR *directory = opendir("/tmp/many");
  char seen[100] = {0};
  int dots = 0, files = 0;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    int number;
    if (sscanf(entry->d_name, "a-file-with-a-long-name-%d", &number) == 1 && !seen[number]) {
      seen[number] = 1;
      files++;
      CHECK(entry->d_type == DT_REG && entry->d_ino != 0);
    } else {
      dots++;
      CHECK(entry->d_type == DT_DIR);
    }
  }
  CHECK(files == 100 && dots == 2);
  closedir(directory);

  int fd = open("/", O_RDONLY | O_DIRECTORY);
  uint8_t buffer[4096];
  __wasi_size_t used = 7;
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_readdir(fd, buffer, sizeof buffer, 0, &used));
  __wasi_dirent_t *first = (void *)buffer;
  struct stat status;
  CHECK(fstat(fd, &status) == 0 && first->d_next == 1 && first->d_ino == status.st_ino && first->d_namlen == 1);
  CHECK(used < sizeof buffer && memmem(buffer, used, "etc", 3) != NULL && memmem(buffer, used, "tmp", 3) != NULL);
  // What does not fit is cut.
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_readdir(fd, buffer, 10, 0, &used));
  CHECK(used == 10);
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_readdir(fd, buffer, 0, 0, &used));
  CHECK(used == 0);
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_readdir(fd, buffer, sizeof buffer, 1ull << 60, &used));
  IS(__WASI_ERRNO_FAULT, __wasi_fd_readdir(fd, NOWHERE, 64, 0, &used));
  IS(__WASI_ERRNO_FAULT, __wasi_fd_readdir(fd, buffer, 64, 0, NOWHERE));
  IS(__WASI_ERRNO_BADF, __wasi_fd_readdir(77, buffer, 64, 0, &used));
  IS(__WASI_ERRNO_NOTDIR, __wasi_fd_readdir(1, buffer, 64, 0, &used));
  close(fd);
}

static int openAt(int fd, const char *path, int lookup, int how, __wasi_rights_t rights, int flags) {
  __wasi_fd_t opened = -1;
  int error = __wasi_path_open(fd, lookup, path, how, rights, 0, flags, &opened);
  if (error == 0) close(opened);
  return error;
}

/** What is said of writes when a file is opened is told, and stays. */
static void syncing(int base) {
  __wasi_fdstat_t status;
  __wasi_fd_t fd;
  int flags[] = {__WASI_FDFLAGS_DSYNC, __WASI_FDFLAGS_SYNC, __WASI_FDFLAGS_RSYNC}, told[] = {2, 16, 16};
  for (int i = 0; i < 3; i++) {
    IS(0, __wasi_path_open(base, 0, "file", 0, __WASI_RIGHTS_FD_WRITE, 0, flags[i], &fd));
    IS(0, __wasi_fd_fdstat_get(fd, &status));
    IS(told[i], status.fs_flags);
    IS(0, __wasi_fd_fdstat_set_flags(fd, told[i] | __WASI_FDFLAGS_APPEND));
    IS(0, __wasi_fd_fdstat_get(fd, &status));
    IS(told[i] | __WASI_FDFLAGS_APPEND, status.fs_flags);
    IS(__WASI_ERRNO_NOTSUP, __wasi_fd_fdstat_set_flags(fd, 0));
    CHECK(write(fd, "x", 1) == 1 && close(fd) == 0);
  }
}

static void paths(void) {
  mkdir("/tmp/base", 0777);
  mkdir("/tmp/base/a", 0777);
  fclose(fopen("/tmp/base/file", "w"));
  int base = open("/tmp/base", O_RDONLY | O_DIRECTORY);
  IS(__WASI_ERRNO_SUCCESS, openAt(base, "file", 0, 0, 0, 0));
  IS(__WASI_ERRNO_NOENT, openAt(base, "x/../file", 0, 0, 0, 0));
  IS(__WASI_ERRNO_SUCCESS, openAt(base, ".//./file", 0, 0, 0, 0));
  IS(__WASI_ERRNO_PERM, openAt(base, "../base/file", 0, 0, 0, 0));
  IS(__WASI_ERRNO_PERM, openAt(base, "a/../../base/file", 0, 0, 0, 0));
  IS(__WASI_ERRNO_NOENT, openAt(base, "none/../../base/file", 0, 0, 0, 0));
  IS(__WASI_ERRNO_PERM, openAt(base, "/tmp/base/file", 0, 0, 0, 0));
  IS(__WASI_ERRNO_PERM, openAt(ROOT, "..", 0, 0, 0, 0));
  IS(__WASI_ERRNO_NOENT, openAt(base, "", 0, 0, 0, 0));
  IS(__WASI_ERRNO_NOTDIR, openAt(base, "file/", 0, 0, 0, 0));
  IS(__WASI_ERRNO_NOTDIR, openAt(base, "file", 0, __WASI_OFLAGS_DIRECTORY, 0, 0));
  IS(__WASI_ERRNO_ISDIR, openAt(base, ".", 0, 0, __WASI_RIGHTS_FD_WRITE, 0));
  IS(__WASI_ERRNO_INVAL, openAt(base, "new", 0, __WASI_OFLAGS_CREAT | __WASI_OFLAGS_DIRECTORY, 0, 0));
  IS(__WASI_ERRNO_INVAL, openAt(base, "file", 2, 0, 0, 0));
  IS(__WASI_ERRNO_INVAL, openAt(base, "file", 0, 16, 0, 0));
  IS(__WASI_ERRNO_INVAL, openAt(base, "file", 0, 0, 0, 32));
  IS(__WASI_ERRNO_SUCCESS, openAt(base, "file", 0, 0, 0, __WASI_FDFLAGS_DSYNC));
  syncing(base);
  IS(__WASI_ERRNO_BADF, openAt(99, "file", 0, 0, 0, 0));
  IS(__WASI_ERRNO_BADF, openAt(-100, "tmp", 0, 0, 0, 0));
  IS(__WASI_ERRNO_NOTDIR, openAt(1, "file", 0, 0, 0, 0));
  char longest[5000];
  memset(longest, 'a', sizeof longest);
  longest[sizeof longest - 1] = 0;
  IS(__WASI_ERRNO_NAMETOOLONG, openAt(base, longest, 0, 0, 0, 0));
  longest[300] = 0;
  IS(__WASI_ERRNO_NAMETOOLONG, openAt(base, longest, 0, 0, 0, 0));
  IS(__WASI_ERRNO_FAULT, __wasi_path_open(base, 0, "file", 0, 0, 0, 0, NOWHERE));
  IS(__WASI_ERRNO_FAULT, __wasi_path_filestat_get(base, 0, "file", NOWHERE));
  IS(__WASI_ERRNO_BADF, __wasi_path_create_directory(99, "x"));
  IS(__WASI_ERRNO_BADF, __wasi_path_link(base, 0, "file", 99, "x"));
  IS(__WASI_ERRNO_BADF, __wasi_path_rename(base, "file", 99, "x"));
  IS(__WASI_ERRNO_PERM, __wasi_path_rename(base, "file", base, "../x"));
  IS(__WASI_ERRNO_PERM, __wasi_path_unlink_file(base, "../x"));
  IS(__WASI_ERRNO_PERM, __wasi_path_remove_directory(base, "/x"));
  IS(__WASI_ERRNO_INVAL, __wasi_path_filestat_set_times(base, 0, "file", 0, 0, 12));
  IS(__WASI_ERRNO_ROFS, __wasi_path_filestat_set_times(ROOT, 0, "etc/motd", 0, 0, 4));
  close(base);
}

static void descriptors(void) {
  __wasi_prestat_t prestat;
  __wasi_fdstat_t status;
  __wasi_filesize_t position;
  char name[4] = "zzz";
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_prestat_get(ROOT, &prestat));
  CHECK(prestat.tag == __WASI_PREOPENTYPE_DIR && prestat.u.dir.pr_name_len == 1);
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_prestat_dir_name(ROOT, (uint8_t *)name, 2));
  CHECK(strcmp(name, "/zz") == 0);
  IS(__WASI_ERRNO_NAMETOOLONG, __wasi_fd_prestat_dir_name(ROOT, (uint8_t *)name, 0));
  IS(__WASI_ERRNO_FAULT, __wasi_fd_prestat_get(ROOT, NOWHERE));
  IS(__WASI_ERRNO_BADF, __wasi_fd_prestat_get(0, &prestat));
  IS(__WASI_ERRNO_BADF, __wasi_fd_prestat_get(-1, &prestat));
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_fdstat_get(ROOT, &status));
  CHECK(status.fs_filetype == __WASI_FILETYPE_DIRECTORY && status.fs_flags == 0);
  CHECK((status.fs_rights_base & __WASI_RIGHTS_PATH_OPEN) != 0 && (status.fs_rights_base & __WASI_RIGHTS_FD_SEEK) == 0);
  CHECK((status.fs_rights_inheriting & __WASI_RIGHTS_FD_WRITE) != 0);
  IS(__WASI_ERRNO_BADF, __wasi_fd_fdstat_get(98, &status));
  IS(__WASI_ERRNO_FAULT, __wasi_fd_fdstat_get(ROOT, NOWHERE));
  IS(__WASI_ERRNO_NOTSUP, __wasi_fd_fdstat_set_rights(ROOT, 0, 0));
  IS(__WASI_ERRNO_BADF, __wasi_fd_fdstat_set_rights(98, 0, 0));
  IS(__WASI_ERRNO_BADF, __wasi_fd_seek(ROOT, 0, __WASI_WHENCE_CUR, &position));
  IS(__WASI_ERRNO_SPIPE, __wasi_fd_seek(1, 0, __WASI_WHENCE_CUR, &position));
  IS(__WASI_ERRNO_SPIPE, __wasi_fd_tell(1, &position));

  int one = open("/etc/motd", O_RDONLY), two = open("/dev/null", O_RDWR);
  IS(__WASI_ERRNO_INVAL, __wasi_fd_seek(one, 0, 9, &position));
  IS(__WASI_ERRNO_FAULT, __wasi_fd_seek(one, 0, 0, NOWHERE));
  IS(__WASI_ERRNO_BADF, __wasi_fd_renumber(one, 98));
  IS(__WASI_ERRNO_BADF, __wasi_fd_renumber(98, one));
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_renumber(one, one));
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_renumber(one, two));
  CHECK(read(two, name, 2) == 2 && strncmp(name, "be", 2) == 0 && close(one) == -1 && errno == EBADF);

  __wasi_size_t done;
  __wasi_iovec_t wrong = {NOWHERE, 32}, right = {(uint8_t *)name, 1}, both[2] = {right, wrong};
  IS(__WASI_ERRNO_FAULT, __wasi_fd_read(two, &wrong, 1, &done));
  IS(__WASI_ERRNO_FAULT, __wasi_fd_read(two, both, 2, &done));
  IS(__WASI_ERRNO_FAULT, __wasi_fd_read(two, NOWHERE, 4, &done));
  IS(__WASI_ERRNO_FAULT, __wasi_fd_read(two, &right, 1, NOWHERE));
  IS(__WASI_ERRNO_INVAL, __wasi_fd_read(two, &right, 0x20000001, &done));
  IS(__WASI_ERRNO_ISDIR, __wasi_fd_read(ROOT, &right, 1, &done));
  IS(__WASI_ERRNO_INVAL, __wasi_fd_pread(two, &right, 1, -1, &done));
  IS(__WASI_ERRNO_SPIPE, __wasi_fd_pread(1, &right, 1, 0, &done));
  // The root, under another number.
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_renumber(ROOT, two));
  IS(__WASI_ERRNO_BADF, __wasi_fd_prestat_get(ROOT, &prestat));
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_prestat_get(two, &prestat));
  IS(__WASI_ERRNO_SUCCESS, openAt(two, "etc", 0, 0, 0, 0));
  IS(__WASI_ERRNO_SUCCESS, __wasi_fd_close(two));
  IS(__WASI_ERRNO_BADF, __wasi_fd_prestat_get(two, &prestat));
}

int main(void) {
  embedded();
  files();
  names();
  listing();
  paths();
  descriptors();
  printf("%d failures\n", failures);
  return failures != 0;
}
