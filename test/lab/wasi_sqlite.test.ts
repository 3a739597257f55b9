// SQLite, compiled as docs/wasi.md says, on real Xen with a disk: what is committed is there after the domain is destroyed, in a database and a file
// system that are whole; what was not, is not.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { buildImage } from "../../tools/image/build.ts";
import { compileDocumented, documentedBlock } from "../fake/wasi/documented.ts";
import { BOOT_TIMEOUT_MS, boot, useLab, type Guest } from "./support.ts";

const BUILD_MS = 600_000;
const TEST_MS = 10 * BOOT_TIMEOUT_MS;
const END = /[\s\S]*(?:app: exit status \d+|crash: .*)/;
/** Boots that end by being destroyed. */
const CUTS = 3;
const ROWS = 200;

/** What SQLite's shell reads (.read): command lines of Xen have room for 1024 characters only. */
const SCRIPTS = {
  create: `CREATE TABLE boot(number INTEGER PRIMARY KEY);
    CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT);
    CREATE INDEX note_text ON note(text);`,
  // Transaction by transaction; then one that is under way, larger than the page cache, when the domain is destroyed.
  cut: `INSERT INTO boot DEFAULT VALUES;
    ${`INSERT INTO note(text) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${ROWS / 4})
      SELECT printf('note %d of boot %d', n, (SELECT max(number) FROM boot)) FROM c;`.repeat(4)}
    PRAGMA cache_size = 20;
    .print under way
    INSERT INTO note(text) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT hex(randomblob(500)) FROM c;`,
  look: `PRAGMA integrity_check;
    SELECT 'boots', count(*) FROM boot;
    SELECT 'notes', count(*), count(DISTINCT text) FROM note;
    SELECT 'found', count(*) FROM note WHERE text = 'note 7 of boot 2';`,
};

const lab = useLab();
let folder: string;
let cfg: string;

before(
  async () => {
    folder = await mkdtemp(path.join(tmpdir(), "karyon-wasi-sqlite-"));
    await writeFile(path.join(folder, "sqlite.wasm"), await compileDocumented({ title: "SQLite", source: "fossil" }));
    await mkdir(path.join(folder, "scripts"));
    for (const [name, script] of Object.entries(SCRIPTS)) {
      // A command of the shell begins its line.
      await writeFile(path.join(folder, "scripts", `${name}.sql`), script.replaceAll(/^ +/gm, ""));
    }
    const manifest = JSON.parse(await documentedBlock("SQLite", "json")) as object;
    await writeFile(path.join(folder, "sqlite.json"), JSON.stringify({ ...manifest, files: "scripts" }));
    ({ cfg } = await buildImage(path.join(folder, "sqlite.json"), { output: path.join(folder, "build") }));
  },
  { timeout: BUILD_MS },
);
after(() => rm(folder, { recursive: true }));

/** Boots a domain that has SQLite's shell read a script. */
function bootWith(script: keyof typeof SCRIPTS): Promise<Guest> {
  const commandLine = `ip=off stack=512K tmpfs=/tmp:8M disk=xvda:/data -- -bail /data/notes.db ".read /${script}.sql"`;
  return boot(lab(), cfg, { commandLine });
}

/** The same, and waits for its end: what it printed. */
async function run(script: keyof typeof SCRIPTS): Promise<string> {
  await using guest = await bootWith(script);
  const [all] = await guest.console.waitFor(END, BOOT_TIMEOUT_MS);
  assert.match(all, /app: exit status 0$/);
  await guest.gone();
  return all;
}

test("rows that are committed outlive the domain's destruction", { timeout: TEST_MS }, async () => {
  await run("create");
  for (let cut = 1; cut <= CUTS; cut++) {
    await using guest = await bootWith("cut");
    await guest.console.waitFor(/under way/, BOOT_TIMEOUT_MS);
    await new Promise((done) => setTimeout(done, 500 * cut));
    assert.ok(await guest.exists());
  }
  const rows = CUTS * ROWS;
  const expected = ["ok", `boots|${CUTS}`, `notes|${rows}|${rows / 4}`, "found|4"];
  const all = (await run("look")).replaceAll("\r", "");
  assert.ok(all.includes(`${expected.join("\n")}\n`), all);
  const checked = await lab().run("for volume in /tmp/volumes/*; do e2fsck -f -n $volume; done");
  assert.match(checked, /files \(/);
});

test("its shell works on the console", { timeout: TEST_MS }, async () => {
  await using guest = await boot(lab(), cfg);
  await guest.console.waitFor(/sqlite> /, BOOT_TIMEOUT_MS);
  await lab().type(guest.name, "SELECT 'asked', 6 * 7;\n");
  await guest.console.waitFor(/asked\|42/, BOOT_TIMEOUT_MS);
  await lab().type(guest.name, ".exit 9\n");
  await guest.console.waitFor(/app: exit status 9/, BOOT_TIMEOUT_MS);
});
