// Disks on real Xen, served by Linux's blkback: what is written stays, and dom0's e2fsck finds nothing wrong with it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BOOT_TIMEOUT_MS, boot, useLab } from "./support.ts";

const lab = useLab();

test("what is written is there when the domain starts anew, and clean", async () => {
  for (const [start, entry] of ["first", "second", "third"].entries()) {
    await using guest = await boot(lab(), "apps/diary", {
      commandLine: `ip=off disk=xvda:/data -- ${entry}`,
    });
    await guest.console.waitFor(new RegExp(`${start + 1} entries[^]* ${entry}\\s`), BOOT_TIMEOUT_MS);
    await guest.gone();
  }
  const checked = await lab().run("for volume in /tmp/volumes/*; do e2fsck -f -n $volume; done");
  assert.match(checked, /files \(/);
});
