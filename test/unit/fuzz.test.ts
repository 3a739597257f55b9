// The fuzzer: that it finds a mistake that was planted for it, and a short run of every target.
import assert from "node:assert/strict";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { buildTarget } from "../../tools/fuzz/build.ts";
import { fuzz, readCorpus } from "../../tools/fuzz/fuzz.ts";
import { repositoryPath } from "../../tools/image/paths.ts";
import { TARGET_NAMES, targetCorpus, targetSource } from "../../tools/fuzz/targets.ts";

/** Of changed inputs, for each target. */
const SECONDS = 5;
/** The most that finding the planted mistake may take; two branches, one behind the other, lead to it. */
const SEARCH_SECONDS = 120;

async function build(name: string): Promise<string> {
  return buildTarget(targetSource(name), await mkdtemp(path.join(tmpdir(), `karyon-fuzz-${name}-`)));
}

test("a planted mistake is found, and where it is", async () => {
  const result = await fuzz(await build("planted"), [Buffer.alloc(8)], {
    seconds: SEARCH_SECONDS,
    seed: 1,
    first: true,
  });
  const [finding] = result.findings;
  assert.ok(finding, `not found in ${result.runs} runs`);
  assert.equal(finding.status, "fault");
  assert.equal(finding.input.toString("latin1", 0, 2), "Ky");
  assert.match(finding.function, /harness_planted\/fuzzOne/);
  assert.ok(result.corpus.length >= 3, "each branch on the way was noticed");
});

/** Lines of netfront without which it does not stand a malicious back end: what it says is believed, or a port is lost at each reset. */
const LINES = [
  ["receive.ts", "    if (id != ((first + slots) & (buffers - 1))) return -EPROTO;\n"],
  ["netfront.ts", "    eventChannelClose(transmitPort);\n"],
] as const;

for (const [file, line] of LINES) {
  test(`netfront without a line of ${file} is found out`, async () => {
    const source = `libos/net/netfront/${file}`;
    const text = await readFile(repositoryPath(source), "utf8");
    assert.ok(text.includes(line), "the line is there");
    const folder = await mkdtemp(path.join(tmpdir(), "karyon-fuzz-without-"));
    const program = await buildTarget(targetSource("netfront"), folder, { [source]: text.replace(line, "") });
    const options = { seconds: SEARCH_SECONDS, seed: 1, first: true };
    const { runs, findings } = await fuzz(program, await readCorpus(targetCorpus("netfront")), options);
    assert.ok(findings.length > 0, `not found in ${runs} runs`);
  });
}

for (const name of TARGET_NAMES) {
  test(`${name}: the corpus, and ${SECONDS} s of what is made of it`, async () => {
    const given = await readCorpus(targetCorpus(name));
    assert.ok(given.length > 0);
    const program = await build(name);
    const { runs, corpus, findings } = await fuzz(program, given, { seconds: SECONDS, seed: 1 });
    const shown = findings.map((found) => `${found.status} in ${found.function}: ${found.input.toString("hex")}`);
    assert.deepEqual(shown, []);
    assert.ok(runs > given.length && corpus.length > given.length, `${runs} runs, ${corpus.length} inputs`);
  });
}
