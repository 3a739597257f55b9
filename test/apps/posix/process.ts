// Arguments, environment, clocks, random numbers, standard output.
import {
  CLOCK_MONOTONIC,
  EBADF,
  EFAULT,
  EINVAL,
  clockNanoseconds,
  clock_gettime,
  environ,
  getegid,
  getenv,
  geteuid,
  getgid,
  gethostname,
  getpid,
  getrandom,
  gettimeofday,
  getuid,
  nanosleep,
  stdout,
  time,
  timespec,
  timeval,
  uname,
  usleep,
  utsname,
  write,
} from "karyon";
import { check, checkError } from "./check";

function randomChecks(): void {
  const one = new StaticArray<u64>(8);
  const two = new StaticArray<u64>(8);
  check("getrandom fills", getrandom(changetype<usize>(one), 64) == 64 && getrandom(changetype<usize>(two), 64) == 64);
  check("getrandom differs", one[0] != two[0] && one[7] != two[7]);
  check("Math.random is seeded", Math.random() != Math.random());
}

function timeChecks(): void {
  const before = clockNanoseconds(CLOCK_MONOTONIC);
  check("usleep", usleep(20_000) == 0);
  const slept = clockNanoseconds(CLOCK_MONOTONIC) - before;
  check("usleep sleeps 20 ms, not much longer", slept >= 20_000_000 && slept < 2_000_000_000);
  check("nanosleep(0)", nanosleep(new timespec(0, 0)) == 0);
  checkError("nanosleep", nanosleep(new timespec(0, 1_000_000_000)), EINVAL);
  check("time is after 2024", time() > 1_704_000_000);
  const day = new timeval();
  const difference = gettimeofday(day) == 0 ? day.tv_sec - time() : -1;
  check("gettimeofday", difference <= 0 && difference >= -1 && day.tv_usec >= 0 && day.tv_usec < 1_000_000);
  checkError("clock_gettime of no clock", clock_gettime(99, new timespec()), EINVAL);
}

function identityChecks(): void {
  check("getpid", getpid() == 1);
  check("users and groups", getuid() == 0 && geteuid() == 0 && getgid() == 0 && getegid() == 0);
  const name = new utsname();
  check("uname", uname(name) == 0 && name.sysname == "Karyon" && name.machine == "x86_64" && name.nodename == "tester");
  check("gethostname", gethostname() == "tester");
}

function addressChecks(): void {
  checkError("write from null", write(stdout, 0, 1), EFAULT);
  checkError("write from beyond memory", write(stdout, (<usize>memory.size()) << 16, 1), EFAULT);
  checkError("write over the end of memory", write(stdout, ((<usize>memory.size()) << 16) - 1, 2), EFAULT);
  checkError("write past 4 GiB", write(stdout, 0xffff_fff0, 0x20), EFAULT);
  check("write of nothing", write(stdout, 4096, 0) == 0);
  checkError("write to no descriptor", write(77, 4096, 1), EBADF);
}

export function processChecks(args: string[]): void {
  check("arguments", args.length == 2 && args[0] == "first" && args[1] == "second argument");
  check("environment", environ().length == 2 && getenv("GREETING") == "hello" && getenv("GREET") === null);
  identityChecks();
  randomChecks();
  timeChecks();
  addressChecks();
}
