// Images stay as small as the targets of npm run bench say (tools/bench/size.ts). They are the ones that lab tests boot, so what is compiled here is not
// compiled again there.
import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { test } from "node:test";
import { SIZE_FIGURES } from "../../tools/bench/size.ts";
import { buildImage } from "../../tools/image/build.ts";
import { repositoryPath } from "../../tools/image/paths.ts";

const BUILD_TIMEOUT_MS = 600_000;

for (const { name, target } of SIZE_FIGURES) {
  const app = name.replace(/^size-/, "");
  test(`the image of ${app} has at most ${target} kB`, { timeout: BUILD_TIMEOUT_MS }, async () => {
    assert.ok(target !== undefined);
    const { elf } = await buildImage(repositoryPath("apps", app));
    const { size } = await stat(elf);
    assert.ok(size <= target * 1000, `${size} bytes`);
  });
}
