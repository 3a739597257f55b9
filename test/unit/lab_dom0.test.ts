// What the environment may choose of the lab's domain 0.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dom0Settings } from "../../tools/lab/machine/dom0.ts";

test("one processor and the xenstored in C, unless something else is chosen", () => {
  assert.deepEqual(dom0Settings("tcg", {}), { processors: 1, xenstored: "xenstored" });
  const environment = { KARYON_LAB_DOM0_PROCESSORS: "2", KARYON_LAB_XENSTORED: "oxenstored" };
  assert.deepEqual(dom0Settings("tcg", environment), { processors: 2, xenstored: "oxenstored" });
  assert.equal(dom0Settings("icount", environment).processors, 1);
});

test("a choice that there is not is refused, with those that there are", () => {
  const processors = { code: "BAD_SETTING", message: /PROCESSORS=3/, mend: "use 1 or 2" };
  assert.throws(() => dom0Settings("tcg", { KARYON_LAB_DOM0_PROCESSORS: "3" }), processors);
  const xenstored = { code: "BAD_SETTING", mend: "use xenstored or oxenstored" };
  assert.throws(() => dom0Settings("tcg", { KARYON_LAB_XENSTORED: "" }), xenstored);
});
