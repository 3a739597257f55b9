// The resolver on real Xen: an appliance that calls getaddrinfo, and a name server in dom0.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { AGENT_ADDRESS } from "../../tools/lab/agent/protocol.ts";
import { bundle } from "../../tools/lab/bundle.ts";
import { boot, BOOT_TIMEOUT_MS, useLab } from "./support.ts";

const SERVER = join(fileURLToPath(new URL(".", import.meta.url)), "dom0/name_server.ts");
const BUILD_AND_BOOT_MS = 6 * BOOT_TIMEOUT_MS;
const STAY = { extra: ['on_poweroff = "preserve"', 'on_crash = "preserve"'] };

const lab = useLab();

test("getaddrinfo finds what a name server knows", { timeout: BUILD_AND_BOOT_MS }, async () => {
  const program = "/tmp/name_server.mjs";
  await lab().copyIn(await bundle(SERVER), program);
  const ending = new AbortController();
  let said = "";
  let ready = (): void => undefined;
  const started = new Promise<void>((resolve) => (ready = resolve));
  const onStdout = (bytes: Buffer): void => {
    said += bytes.toString();
    if (said.includes("ready")) ready();
  };
  const server = lab().exec(["node", program], { timeoutMs: BUILD_AND_BOOT_MS, onStdout, signal: ending.signal });
  server.catch(() => undefined);
  try {
    await started;
    const names = ["www", "www.lab.example.", "alias", "long.lab.example", "absent", "lost", "WWW", "6/www", "6/alias"];
    const commandLine = `ip=dhcp ip6=off nameserver=${AGENT_ADDRESS} search=lab.example -- ${names.join(" ")}`;
    await using guest = await boot(lab(), "test/apps/resolver", { ...STAY, commandLine });
    const [all] = await guest.console.waitFor(/[\s\S]*resolver: (?:all done|\d+ failed)/, 2 * BOOT_TIMEOUT_MS);
    assert.deepEqual(all.match(/^FAILED.*$/gm) ?? [], []);
    const both = "192.0.2.80:80 192.0.2.81:80";
    const long = Array.from({ length: 12 }, (_, i) => `192.0.2.${i + 1}:80`).join(" ");
    assert.deepEqual(
      all.match(/^(?:6\/)?(?:www|alias|long|absent|lost)\S*: .*$/gim)?.map((line) => line.trimEnd()),
      [
        `www: ${both}`,
        `www.lab.example.: ${both}`,
        `alias: ${both}`,
        `long.lab.example: ${long}`,
        "absent: Name or service not known",
        "lost: Temporary failure in name resolution",
        `WWW: ${both}`,
        "6/www: [2001:db8::80]:80",
        "6/alias: No address associated with hostname",
      ],
    );
    // How often each is asked depends on how busy the machine is; test/fake/dns.test.ts counts.
    assert.match(said, /^tcp long\.lab\.example$/m);
  } finally {
    ending.abort();
  }
});
