// What the toolstack asks of a domain – shutdown, reboot, save, restore – and what becomes of its network meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { boot, BOOT_TIMEOUT_MS, type Guest, useLab } from "./support.ts";

const TIMEOUT_MS = 240_000;
const ANSWER_MS = 20_000;
const SAVE_FILE = "/tmp/power.save";
const limit = { timeout: TIMEOUT_MS };

const lab = useLab();

async function bootHttpd(extra: readonly string[] = []): Promise<Guest> {
  const guest = await boot(lab(), "apps/httpd", { commandLine: "ip=dhcp -- poll", extra });
  await guest.console.waitFor(/httpd: \d+ files/, BOOT_TIMEOUT_MS);
  return guest;
}

/** The status of GET /, tried again while the network settles. */
async function statusOf(url: string): Promise<number> {
  const deadline = Date.now() + ANSWER_MS;
  for (;;) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(5000), headers: { connection: "close" } });
      await response.arrayBuffer();
      return response.status;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** A connection that is asked twice, with something happening in between. */
class KeptConnection {
  private constructor(private readonly socket: Socket) {}

  static async open(url: string): Promise<KeptConnection> {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    await once(socket, "connect");
    return new KeptConnection(socket);
  }

  async ask(): Promise<string> {
    this.socket.write("HEAD / HTTP/1.1\r\nHost: karyon\r\n\r\n");
    const [answer] = (await once(this.socket, "data", { signal: AbortSignal.timeout(ANSWER_MS) })) as [Buffer];
    return answer.toString("latin1").split("\r\n")[0] ?? "";
  }

  close(): void {
    this.socket.destroy();
  }
}

test("xl_shutdown_ends_the_domain", limit, async () => {
  await using guest = await bootHttpd();
  await guest.address();
  const { stdout, stderr } = await lab().sh(`xl shutdown -w ${guest.name}`, { timeoutMs: ANSWER_MS });
  assert.match(stdout + stderr, /reason code 0/);
  await guest.console.waitFor(/power: the toolstack asks for poweroff/, ANSWER_MS);
  await guest.gone();
});

test("xl_reboot_starts_it_again", limit, async () => {
  await using guest = await bootHttpd();
  await guest.address();
  const before = (await lab().run(`xl domid ${guest.name}`)).trim();
  await lab().run(`xl reboot ${guest.name}`);
  await guest.console.waitFor(/asks for reboot[^]*kernel: Karyon/, ANSWER_MS);
  await guest.console.waitFor(/asks for reboot[^]*httpd: \d+ files/, TIMEOUT_MS);
  assert.notEqual((await lab().run(`xl domid ${guest.name}`)).trim(), before);
});

test("a_saved_domain_serves_again_after_its_restore", limit, async () => {
  await using guest = await bootHttpd();
  const url = await guest.url();
  assert.equal(await statusOf(url), 200);
  await lab().run(`xl save ${guest.name} ${SAVE_FILE}`, { timeoutMs: TIMEOUT_MS });
  assert.equal(await guest.exists(), false, "a saved domain is gone");
  await lab().run(`xl restore ${SAVE_FILE} && rm ${SAVE_FILE}`, { timeoutMs: TIMEOUT_MS });
  await guest.console.waitFor(/power: restored/, ANSWER_MS);
  await guest.console.waitFor(/power: restored[^]*net: connected/, ANSWER_MS);
  assert.equal(await statusOf(url), 200);
});

test("a_checkpointed_domain_goes_on_with_its_connections", limit, async () => {
  await using guest = await bootHttpd();
  const connection = await KeptConnection.open(await guest.url());
  assert.equal(await connection.ask(), "HTTP/1.1 200 OK");
  await lab().run(`xl save -c ${guest.name} ${SAVE_FILE} && rm ${SAVE_FILE}`, { timeoutMs: TIMEOUT_MS });
  await guest.console.waitFor(/power: suspend cancelled, going on/, ANSWER_MS);
  assert.equal(await connection.ask(), "HTTP/1.1 200 OK");
  connection.close();
});

test("three_rounds_of_save_and_restore", limit, async () => {
  await using guest = await bootHttpd();
  const url = await guest.url();
  for (let round = 0; round < 3; round++) {
    await lab().run(`xl save ${guest.name} ${SAVE_FILE} && xl restore ${SAVE_FILE} && rm ${SAVE_FILE}`, {
      timeoutMs: TIMEOUT_MS,
    });
    assert.equal(await statusOf(url), 200, `round ${round}`);
  }
});

test("a_device_that_is_detached_and_attached_again_serves", limit, async () => {
  await using guest = await bootHttpd();
  const url = await guest.url();
  const mac = /mac=([0-9a-f:]+)/i.exec(
    (await lab().run(`xl network-list ${guest.name}`)).replace(/(..:..:..:..:..:..)/, "mac=$1"),
  );
  assert.ok(mac?.[1], "the device has an address");
  await lab().run(`xl network-detach ${guest.name} 0`, { timeoutMs: ANSWER_MS });
  await guest.console.waitFor(/net: disconnected/, ANSWER_MS);
  await lab().run(`xl network-attach ${guest.name} mac=${mac[1]}`, { timeoutMs: ANSWER_MS });
  assert.equal(await statusOf(url), 200);
});

test("a_domain_without_a_device_gets_its_address_when_one_is_attached", limit, async () => {
  await using guest = await bootHttpd(["vif = []"]);
  await guest.console.waitFor(/net: no network device yet/, ANSWER_MS);
  await guest.console.waitFor(/httpd: \d+ files/, ANSWER_MS);
  await lab().run(`xl network-attach ${guest.name}`, { timeoutMs: ANSWER_MS });
  assert.equal(await statusOf(await guest.url()), 200);
});

test("a_busy_app_can_be_shut_down", limit, async () => {
  await using guest = await boot(lab(), "test/apps/busy");
  await guest.console.waitFor(/computing/, ANSWER_MS);
  await lab().run(`xl shutdown -w ${guest.name}`, { timeoutMs: ANSWER_MS });
  await guest.gone();
});

test("a_domain_too_small_for_its_app_says_so", limit, async () => {
  await using guest = await boot(lab(), "test/apps/hungry", { memory: 4, extra: ['on_crash = "preserve"'] });
  await guest.console.waitFor(/app: cannot start: not enough memory/, ANSWER_MS);
});
