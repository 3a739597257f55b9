// Which functions of the kernel are compiled for size and which by the aim: the lists name sources that exist.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { describe, it } from "node:test";
import { repositoryPath } from "../../../tools/image/paths.ts";
import { APART, LISTED, placement } from "../../../tools/image/traffic.ts";

const LONG = 1000;

describe("placement of functions", () => {
  it("is for size, unless a source is listed for traffic", () => {
    assert.equal(placement("kernel", "libos/net/dhcp/client/onTimer", LONG), "KERNEL_COLD");
    assert.equal(placement("kernel", "libos/net/tcp/input/tcpInput", LONG), "");
    assert.equal(placement("kernel", "libos/net/tcp/undo/undoNothing", LONG), "KERNEL_COLD");
    assert.equal(placement("kernel", "libos/net/wire/checksum/checksumAdd", LONG), "KERNEL_HOT");
    assert.equal(placement("kernel", "libos/network_of_another_name/f", LONG), "KERNEL_COLD");
  });

  it("leaves short functions, and an app's, to the compiler", () => {
    assert.equal(placement("kernel", "libos/net/dhcp/client/dhcpState", 3), "");
    assert.equal(placement("app", "app/index/main", LONG), "");
  });

  it("keeps functions apart that there are", () => {
    for (const name of APART) {
      assert.match(
        readFileSync(repositoryPath(`${dirname(name)}.ts`), "utf8"),
        new RegExp(`function ${basename(name)}\\(`),
      );
      assert.match(placement("kernel", name, LONG), /KERNEL_APART$/);
    }
  });

  it("knows only sources that there are", () => {
    const there = (source: string): boolean =>
      [source, `${source}.ts`].some((file) => existsSync(repositoryPath(file)));
    assert.deepEqual(
      LISTED.filter((source) => !source.startsWith("~lib") && !there(source)),
      [],
    );
  });
});
