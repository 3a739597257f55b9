// Disks on real Xen, served by Linux's blkback: what is written stays, and power cuts – xl destroy at random moments – leave a volume that dom0's
// e2fsck finds nothing wrong with, that dom0 mounts, and that has all that was synced. KARYON_POWER_CUTS=200 for more cuts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../support/random.ts";
import { LISTING, Steps, type Tree, listing } from "./powercut_model.ts";
import { BOOT_TIMEOUT_MS, boot, imageOf, useLab } from "./support.ts";

const CUTS = Number(process.env["KARYON_POWER_CUTS"] ?? 6);
const SEED = Number(process.env["KARYON_POWER_CUT_SEED"] ?? 1);
/** Steps that may have been made since the last sync that the console tells of. */
const UNTOLD = 400;
const CUT_TIMEOUT_MS = 120_000;

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

/** One cut: what the console told, and what dom0 finds. */
interface Cut {
  readonly synced: number;
  readonly found: string;
}

/** Boots the domain on /dev/loop0, destroys it after `delay` seconds, and has dom0 check and list the volume. */
async function cut(name: string, seed: number, delay: number): Promise<Cut> {
  const { cfg } = await imageOf("test/apps/powercut");
  const extra = [`name = "${name}"`, `extra = "ip=off disk=xvda:/data -- ${seed}"`];
  const { path } = await lab().place(cfg, extra);
  const output = await lab().run(
    `set -e
    xl create -q ${path}
    sleep ${delay.toFixed(2)}
    xl destroy ${name}
    while xl domid ${name} >/dev/null 2>&1; do usleep 50000; done
    echo "=== console"; cat /var/log/xen/console/guest-${name}.log
    # blkback reads and writes past dom0's page cache, which may have blocks as they were before.
    sync; echo 3 > /proc/sys/vm/drop_caches
    echo "=== replay"; e2fsck -p /dev/loop0 || [ $? = 1 ]
    echo "=== check"; e2fsck -f -n /dev/loop0
    mount -t ext3 -o ro /dev/loop0 /mnt/cut
    cd /mnt/cut
    echo "=== found"; ${LISTING}
    cd /; umount /mnt/cut`,
    { timeoutMs: CUT_TIMEOUT_MS },
  );
  const [, console = "", replay = "", , found = ""] = output.split(/^=== \w+\n/m);
  for (const line of replay.trim().split("\n")) {
    assert.match(
      line,
      /recovering journal|: clean|Clearing orphaned|Truncating orphaned|^\/dev\/loop0: \d+\/\d+ files/,
    );
  }
  assert.doesNotMatch(console, /step \d+: |fsync: |failed/);
  const told = [...console.matchAll(/^synced (\d+)\r?$/gm)].map(([, step]) => Number(step));
  return { synced: told.at(-1) ?? 0, found: found.trim().split("\n").sort().join("\n") };
}

test(`${CUTS} power cuts`, { timeout: CUTS * CUT_TIMEOUT_MS }, async () => {
  await lab().run(
    `mkdir -p /mnt/cut && dd if=/dev/zero of=/tmp/cut.img bs=1M count=0 seek=32 2>/dev/null &&
    mke2fs -q -F -t ext3 /tmp/cut.img && losetup /dev/loop0 /tmp/cut.img`,
  );
  const random = new Random(SEED);
  let tree: Tree = new Map();
  let steps = 0;
  for (let i = 1; i <= CUTS; i++) {
    const seed = random.between(1, 1_000_000);
    const { synced, found } = await cut(`cut-${i}`, seed, 0.3 + 2.5 * random.fraction());
    const model = new Steps(seed, tree);
    while (model.step < synced) model.next();
    const first = listing(model.tree);
    while (listing(model.tree) !== found && model.step < synced + UNTOLD) model.next();
    assert.equal(listing(model.tree), found, `cut ${i}, ${synced} steps synced:\n${first}`);
    tree = model.tree;
    steps += model.step;
  }
  assert.ok(steps > CUTS, `${steps} steps in all`);
});
