// The programs as files of the image.
import { O_RDONLY, R_OK, S_ISREG, Stat, W_OK, X_OK, access, close, open, opendir, readdir, stat } from "karyon";
import { check } from "./check";

export function files(): void {
  const status = new Stat();
  check("a program can be looked at", stat("/bin/worker", status) == 0 && S_ISREG(status.st_mode));
  check("it may be executed", (status.st_mode & 0x40) != 0 && access("/bin/worker", X_OK | R_OK) == 0);
  check("it cannot be written", access("/bin/worker", W_OK) < 0);
  check("the entry is one", access("/bin/test-programs", X_OK) == 0);
  const fd = open("/bin/worker", O_RDONLY);
  check("it can be opened", fd >= 0 && close(fd) == 0);
  const folder = opendir("/bin");
  let names = "";
  while (folder !== null) {
    const entry = readdir(folder);
    if (entry === null) break;
    if (!entry.d_name.startsWith(".")) names += entry.d_name + " ";
  }
  check("all are listed: " + names, names == "chain test-programs threads worker ");
}
