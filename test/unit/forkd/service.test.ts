// forkd's systemd unit names what exists, and is what systemd takes where there is a systemd to ask.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const UNIT = join(ROOT, "tools/forkd/forkd.service");
const HOME = "/opt/karyon";

type Sections = ReadonlyMap<string, ReadonlyMap<string, string>>;

function parse(text: string): Sections {
  const sections = new Map<string, Map<string, string>>();
  let keys = new Map<string, string>();
  for (const line of text.split("\n").filter((each) => each !== "" && !each.startsWith("#"))) {
    const [, name] = /^\[(\w+)\]$/.exec(line) ?? [];
    if (name !== undefined) sections.set(name, (keys = new Map()));
    const [, key, value] = /^(\w+)=(\S.*)$/.exec(line) ?? [];
    assert.ok(name !== undefined || key !== undefined, `not understood: ${line}`);
    if (key !== undefined && value !== undefined) keys.set(key, value);
  }
  return sections;
}

test("the unit starts a program that exists, and again when it fails", () => {
  const unit = parse(readFileSync(UNIT, "utf8"));
  assert.deepEqual([...unit.keys()], ["Unit", "Service", "Install"]);
  const [program = "", script = "", ...rest] = unit.get("Service")?.get("ExecStart")?.split(" ") ?? [];
  assert.ok(program.startsWith(`${HOME}/`) && existsSync(join(ROOT, program.slice(HOME.length))), program);
  assert.ok(existsSync(join(ROOT, script)), script);
  assert.deepEqual(rest, ["run"]);
  assert.equal(unit.get("Service")?.get("WorkingDirectory"), HOME);
  assert.equal(unit.get("Service")?.get("Restart"), "on-failure");
  assert.match(unit.get("Unit")?.get("After") ?? "", /xenstored\.service/);
  assert.equal(unit.get("Install")?.get("WantedBy"), "multi-user.target");
});

const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

test("systemd takes the unit", { skip: hasSystemd ? false : "no systemd-analyze here" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "forkd-"));
  try {
    // The services it needs are Xen's, which this machine may not have.
    const copy = join(folder, "forkd.service");
    writeFileSync(
      copy,
      readFileSync(UNIT, "utf8")
        .replaceAll(HOME, ROOT)
        .replace(/^Requires=.*\n/m, ""),
    );
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", copy], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
