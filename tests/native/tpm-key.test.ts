import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { handles } from "../../src/core/tpm/command.ts";
import { bytesOf, command, empty, number, sized } from "../../src/core/tpm/command-form.ts";
import { nvDefine } from "../../src/core/tpm/nv-command.ts";
import { destroyKey, keepKey, keyIndex, lockKey, readKey, tryToKeep } from "../../src/core/tpm/nv-key.ts";
import { readResponse } from "../../src/core/tpm/response.ts";
import { hold, type Swtpm, startSwtpm } from "../support/swtpm.ts";

const bytes = 64;
const key = new Uint8Array(bytes).map((_, index) => index + 1);
const platform = 0x4000000c;

/** A machine's TPM: the same one at each start. */
async function machineTpm(t: TestContext): Promise<() => Promise<Swtpm>> {
  const directory = await mkdtemp(join(tmpdir(), "birther-tpm-key-"));
  t.after(() => rm(directory, { recursive: true }));
  return () => startSwtpm(directory);
}

async function send(tpm: Swtpm, what: Uint8Array): Promise<number> {
  const response = readResponse(await tpm.exchange(what));
  return response.kind === "success" ? 0 : response.kind === "refused" ? response.code : assert.fail();
}

const asOwner = (code: number, parameters: Parameters<typeof bytesOf>[0]) =>
  command(code, { handles: [handles.owner], sessions: [handles.password], parameters });
/** TPM2_HierarchyChangeAuth */
const setOwnerPassword = asOwner(0x129, [sized(Buffer.from("secret"))]);
/** TPM2_Clear, as the firmware's settings do it. */
const clear = command(0x126, { handles: [platform], sessions: [handles.password], parameters: [] });
/** TPM2_NV_DefineSpace as other software does it: the owner reads and writes. */
const foreign = (index: number, size: number) =>
  asOwner(0x12a, [
    empty,
    sized(bytesOf([number(index, 4), number(0x000b, 2), number(0x00020002, 4), empty, number(size, 2)])),
  ]);

/** Fills the TPM's memory with indices from this one on. */
async function fill(tpm: Swtpm, from: number): Promise<void> {
  let index = from;
  for (const size of [2048, 256, 64, 8])
    for (let code = 0; code === 0; index += 1) code = await send(tpm, foreign(index, size));
}

test("a real TPM keeps a key over restarts, gives it once a boot until it is locked, and destroys it", async (t) => {
  const start = await machineTpm(t);
  {
    await using tpm = await start();
    await hold(tpm, tryToKeep(bytes));
    assert.equal(await hold(tpm, destroyKey(bytes)), false);
    await hold(tpm, keepKey(key));
    assert.deepEqual(await hold(tpm, readKey(bytes)), key);
    await hold(tpm, lockKey());
    await assert.rejects(hold(tpm, readKey(bytes)), /NV_Read: the key was read in this boot already \(0x148\)/);
    await assert.rejects(hold(tpm, keepKey(key)), /NV_DefineSpace/, "never over an old one");
  }
  {
    await using tpm = await start();
    assert.deepEqual(await hold(tpm, readKey(bytes)), key, "the lock ended with the boot");
    await hold(tpm, lockKey());
    await hold(tpm, tryToKeep(bytes));
    assert.equal(await hold(tpm, destroyKey(bytes)), true, "also while it is locked");
    await assert.rejects(hold(tpm, readKey(bytes)), /expected the disk key of this machine, found none/);
    await hold(tpm, keepKey(key));
  }
  await using tpm = await start();
  assert.equal(await send(tpm, clear), 0);
  await assert.rejects(hold(tpm, readKey(bytes)), /found none: it was cleared, or is another TPM/);
  assert.equal(await hold(tpm, destroyKey(bytes)), false);
  await hold(tpm, tryToKeep(bytes));
});

test("a full TPM keeps no key, and says so; one that is full with our own former key does", async (t) => {
  const start = await machineTpm(t);
  await using tpm = await start();
  await hold(tpm, keepKey(key));
  await fill(tpm, 0x01800000);
  await hold(tpm, tryToKeep(bytes));
  assert.equal(await hold(tpm, destroyKey(bytes)), true);
  await hold(tpm, keepKey(key));
  assert.equal(await hold(tpm, destroyKey(bytes)), true);
  await fill(tpm, 0x01900000);
  await assert.rejects(hold(tpm, tryToKeep(bytes)), /its memory for such data \(NV\) is full \(0x14b\)/);
});

test("an owner password stops making and destroying a key, by name, but not reading it", async (t) => {
  const start = await machineTpm(t);
  await using tpm = await start();
  await hold(tpm, keepKey(key));
  assert.equal(await send(tpm, setOwnerPassword), 0);
  await assert.rejects(hold(tpm, tryToKeep(bytes)), /its owner hierarchy has a password/);
  await assert.rejects(hold(tpm, destroyKey(bytes)), /its owner hierarchy has a password/);
  assert.deepEqual(await hold(tpm, readKey(bytes)), key);
});

test("a TPM that is locked out after wrong passwords keeps, gives and destroys a key all the same", async (t) => {
  const start = await machineTpm(t);
  await using tpm = await start();
  // TPM2_DictionaryAttackParameters with no tries at all.
  const strict = command(0x13a, {
    handles: [0x4000000a],
    sessions: [handles.password],
    parameters: [number(0, 4), number(1000, 4), number(1000, 4)],
  });
  assert.equal(await send(tpm, strict), 0);
  await hold(tpm, tryToKeep(bytes));
  await hold(tpm, keepKey(key));
  assert.deepEqual(await hold(tpm, readKey(bytes)), key);
  assert.equal(await hold(tpm, destroyKey(bytes)), true);
});

test("an index of other software with the number of ours is neither read as a key nor destroyed", async (t) => {
  const start = await machineTpm(t);
  await using tpm = await start();
  assert.equal(await send(tpm, foreign(keyIndex, bytes)), 0);
  await assert.rejects(hold(tpm, tryToKeep(bytes)), /found data of other software \(64 bytes, attributes 0x20002\)/);
  await assert.rejects(hold(tpm, destroyKey(bytes)), /found data of other software/);
  assert.notEqual(await send(tpm, nvDefine(keyIndex, bytes)), 0, "it is still there");
});
