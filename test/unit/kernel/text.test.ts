import assert from "node:assert/strict";
import { test } from "node:test";
import { KernelParts } from "./kernel.ts";

const AT = 0x190000;
const START_INFO = 0x1a0000;
const COMMAND_LINE = START_INFO + 128; // start_info.cmd_line (xen.h)

test("numbers_are_written_as_javascript_writes_them", async () => {
  const kernel = await KernelParts.create();
  const { call } = kernel;
  for (const value of [0n, 1n, 9n, 10n, 99n, 100n, 4294967296n, 10n ** 19n, 2n ** 64n - 1n]) {
    assert.equal(kernel.text(AT, call.textDecimal(AT, 32, BigInt.asIntN(64, value), 1)), value.toString());
    assert.equal(kernel.text(AT, call.textHex(AT, 32, BigInt.asIntN(64, value), 1)), value.toString(16));
  }
  assert.equal(kernel.text(AT, call.textDecimal(AT, 32, 42n, 6)), "000042");
  assert.equal(kernel.text(AT, call.textHex(AT, 32, 0xbeefn, 16)), "000000000000beef");
  assert.equal(kernel.text(AT, call.textSigned(AT, -(2n ** 63n))), (-(2n ** 63n)).toString());
});

test("text_beyond_the_capacity_is_dropped_and_remembered", async () => {
  const kernel = await KernelParts.create();
  const { call } = kernel;
  kernel.write(AT, "........");
  assert.equal(call.textDecimal(AT, 3, 123456n, 1), 3);
  assert.equal(kernel.text(AT, 8), "123.....");
  assert.equal(call.textOverflows(AT, 4, 4), 0);
  assert.equal(call.textOverflows(AT, 4, 5), 1);
});

test("numbers_are_read_strictly", async () => {
  const kernel = await KernelParts.create();
  const decimal = (text: string): bigint => kernel.call.parseDecimal(AT, kernel.write(AT, text));
  const size = (text: string): bigint => kernel.call.parseSize(AT, kernel.write(AT, text));
  assert.deepEqual(["0", "42", "9007199254740992"].map(decimal), [0n, 42n, 9007199254740992n]);
  assert.deepEqual(["", "-1", " 1", "1 ", "0x1", "12345678901234567"].map(decimal), Array(6).fill(-22n));
  assert.deepEqual(["512", "64K", "16m", "1G"].map(size), [512n, 65536n, 16777216n, 1073741824n]);
  assert.deepEqual(["", "K", "1T", "9007199254740992G"].map(size), Array(4).fill(-22n));
});

test("a_command_line_is_options_then_arguments", async () => {
  const kernel = await KernelParts.create();
  const { call } = kernel;
  kernel.write(COMMAND_LINE, 'ip=dhcp  env.A="x y" ip=off -- one "two words" \'a "b"\' c\\ d -- ""\0');
  call.commandLineRead(START_INFO);
  const words = Array.from({ length: call.argumentCount() }, (_, i) =>
    kernel.text(call.argumentAddress(i), call.argumentLength(i)),
  );
  assert.deepEqual(words, ["one", "two words", 'a "b"', "c d", "--", ""]);
  const option = call.optionIp();
  const address = Number(option & 0xffffffffn);
  assert.equal(kernel.text(address, Number(option >> 32n)), "off", "the last one counts");
});

test("a_command_line_without_end_is_cut_at_its_limit", async () => {
  const kernel = await KernelParts.create();
  const { call } = kernel;
  kernel.write(COMMAND_LINE, "-- " + "a".repeat(5000));
  call.commandLineRead(START_INFO);
  assert.equal(call.argumentCount(), 1);
  assert.equal(call.argumentLength(0), 1024 - 3);
});

test("chacha20_block_of_rfc_8439_section_2_3_2", async () => {
  const kernel = await KernelParts.create();
  kernel.write(
    AT,
    Buffer.from(
      "657870616e642033322d62797465206b" +
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" +
        "01000000000000090000004a00000000",
      "hex",
    ),
  );
  kernel.call.chacha20Block(AT, AT + 64);
  assert.equal(
    kernel.read(AT + 64, 64).toString("hex"),
    "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e" +
      "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e",
  );
});
