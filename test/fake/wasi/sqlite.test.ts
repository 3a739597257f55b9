// SQLite from Debian's sources: its shell makes a database on tmpfs, with transactions and queries, and ends by its status.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { WASI_MODULE } from "../../../tools/image/wasi.ts";
import { fakeKernel } from "../../support/fake.ts";
import { suspendableModule } from "../../support/suspended_app.ts";
import { compileDocumented } from "./documented.ts";
import { boot, finish } from "./runner.ts";

const OUTPUT = `within|4|20.9
rolled back|3|1.45
4|quince|1.25|00FF
2|pear|0.75|
1|apple|0.5|
3|plum|0.2|
numbers|20000|2666866670000|00014222|fffc0c7f
indexed|12345
joined|pear+plum+quince
window|1|1
window|2|3
window|3|6
json|deep|["apple","pear","plum","quince"]
time|1|1970-01-02
truncate
delete
ok
copied|10001|100010000
end of the checks
`;

const kernel = await fakeKernel();
const sqlite = await suspendableModule(await compileDocumented({ title: "SQLite", source: "fossil" }), WASI_MODULE);

test("transactions, queries, journals, a copy and the exit status", async () => {
  const files = { "/checks.sql": await readFile(path.join(import.meta.dirname, "checks.sql"), "utf8") };
  const commandLine = 'ip=off tmpfs=/tmp:16M -- /tmp/checks.db ".read /checks.sql"';
  const { host, guest } = boot(kernel, sqlite, { files, commandLine, memory: 64 });
  const { output, status } = finish(host, guest);
  assert.ok(output.includes(OUTPUT), output);
  assert.match(output, /UNIQUE constraint failed: item\.name/);
  assert.doesNotMatch(output, /not reached/);
  assert.equal(status, 1);
});
