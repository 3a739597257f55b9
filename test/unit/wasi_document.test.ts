// docs/wasi.md has a row for each function of WASI preview 1, and says of those that libos/wasi has that they are there, and of no others.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { repositoryPath } from "../../tools/image/paths.ts";

/** wasi_snapshot_preview1.witx. */
const PREVIEW1 = [
  ...["args_get", "args_sizes_get", "environ_get", "environ_sizes_get", "clock_res_get", "clock_time_get"],
  ...["fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_get", "fd_fdstat_set_flags"],
  ...["fd_fdstat_set_rights", "fd_filestat_get", "fd_filestat_set_size", "fd_filestat_set_times", "fd_pread"],
  ...["fd_prestat_get", "fd_prestat_dir_name", "fd_pwrite", "fd_read", "fd_readdir", "fd_renumber", "fd_seek"],
  ...["fd_sync", "fd_tell", "fd_write", "path_create_directory", "path_filestat_get", "path_filestat_set_times"],
  ...["path_link", "path_open", "path_readlink", "path_remove_directory", "path_rename", "path_symlink"],
  ...["path_unlink_file", "poll_oneoff", "proc_exit", "proc_raise", "random_get", "sched_yield", "sock_accept"],
  ...["sock_recv", "sock_send", "sock_shutdown"],
];
const MISSING = "missing";

/** Function and state, in the order of the rows. */
async function rows(): Promise<[string, string][]> {
  const text = await readFile(repositoryPath("docs/wasi.md"), "utf8");
  return [...text.matchAll(/^\| `(\w+)` +\| (\S[^|]*?) +\|/gm)].map(([, name = "", state = ""]) => [name, state]);
}

async function implemented(): Promise<Set<string>> {
  const folder = repositoryPath("libos/wasi");
  const texts = await Promise.all((await readdir(folder)).map((file) => readFile(`${folder}/${file}`, "utf8")));
  return new Set(
    texts.flatMap((text) => [...text.matchAll(/^export function wasi_(\w+)/gm)].map(([, name = ""]) => name)),
  );
}

test("each function has one row, which says whether it is there", async () => {
  const documented = await rows();
  const there = await implemented();
  const names = documented.map(([name]) => name);
  assert.deepEqual([...new Set(names)], names, "a function has two rows");
  assert.deepEqual(names.toSorted(), [...new Set([...PREVIEW1, ...there])].toSorted());
  for (const [name, state] of documented) assert.equal(state !== MISSING, there.has(name), `${name}: ${state}`);
});
