// karyon/process: what the process knows of itself, and its signals.
import { EINVAL, ENOENT, ESRCH, SIGKILL, SIGTERM, SIGUSR1, errno } from "karyon";
import {
  argv,
  chdir,
  cwd,
  env,
  environment,
  ignore,
  on,
  parentPid,
  pid,
  programName,
  reset,
  send,
  setEnv,
  uptime,
} from "karyon/process";
import { check } from "./check";

let caught = 0;

function environmentChecks(): void {
  check("env", env("GREETING") == "hello" && env("NONE") == "" && env("NONE", "x") == "x");
  check("environment", environment().get("GREETING") == "hello");
  check("setEnv", setEnv("COLOUR", "dark=blue") && environment().get("COLOUR") == "dark=blue");
  check("setEnv takes away", setEnv("COLOUR", null) && !environment().has("COLOUR"));
  check("setEnv of no name", !setEnv("A=B", "") && errno == EINVAL);
}

function signalChecks(): void {
  check(
    "on",
    on(SIGUSR1, (signal: i32) => {
      caught += signal;
    }),
  );
  check("send", send(pid(), SIGUSR1) && caught == SIGUSR1);
  check("ignore", ignore(SIGTERM) && send(pid(), SIGTERM));
  check("reset", reset(SIGTERM));
  check("SIGKILL cannot be caught", !ignore(SIGKILL) && errno == EINVAL);
  check("send to nobody", !send(77, 0) && errno == ESRCH);
}

export function processChecks(args: string[]): void {
  check("argv", argv().join("|") == "first|second argument" && args.length == 2);
  check("pid and parentPid", pid() == 1 && parentPid() == 0);
  check("programName", programName().length != 0);
  check("cwd", cwd() !== null);
  const away = chdir("/etc") ? cwd() : null;
  check("chdir", away !== null && away == "/etc" && chdir("/"));
  check("chdir to nowhere", !chdir("/none") && errno == ENOENT);
  check("uptime", uptime() >= 0);
  environmentChecks();
  signalChecks();
}
