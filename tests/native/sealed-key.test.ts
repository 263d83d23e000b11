import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { extended, zeroPcr } from "../../src/core/tpm/pcr.ts";
import { nameOfArea } from "../../src/core/tpm/public-area.ts";
import { readResponse } from "../../src/core/tpm/response.ts";
import { extendPcr, signedMessage, verifierArea } from "../../src/core/tpm/seal-command.ts";
import { joined, recoveryBranch, type SealedTo } from "../../src/core/tpm/seal-policy.ts";
import {
  beginRecovery,
  endUnsealing,
  finishRecovery,
  sealKey,
  unsealKey,
  whyNotOpened,
} from "../../src/core/tpm/seal-session.ts";
import { readSealedKey, type SealedKey, writeSealedKey } from "../../src/core/tpm/sealed-key.ts";
import { hold, type Swtpm, startSwtpm } from "../support/swtpm.ts";

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());
const digest = (text: string) => sha256(Buffer.from(text));
const nonce = new Uint8Array(32).fill(5);
const key = new Uint8Array(64).map((_, index) => index + 1);
const purpose = digest("a purpose");

async function extend(tpm: Swtpm, pcr: number, by: Uint8Array): Promise<void> {
  assert.equal(readResponse(await tpm.exchange(extendPcr(pcr, by))).kind, "success");
}

/** The values after one event in each PCR. */
const one = (text: string) => extended(zeroPcr, [digest(text)], sha256);
const grub = (commands: string, files: string) => sha256(joined(one(commands), one(files)));

const authority = generateKeyPairSync("ec", { namedCurve: "P-256" });
const point = authority.publicKey.export({ format: "jwk" });
const area = verifierArea({
  x: Buffer.from(point.x ?? "", "base64url"),
  y: Buffer.from(point.y ?? "", "base64url"),
});
const branch = recoveryBranch(nameOfArea(sha256(area)), purpose, sha256);

function consentTo(nonceTpm: Uint8Array, by = authority.privateKey, about = purpose) {
  const signature = sign("sha256", signedMessage(nonceTpm, about), { key: by, dsaEncoding: "ieee-p1363" });
  return { verifier: area, purpose: about, signature: { r: signature.subarray(0, 32), s: signature.subarray(32) } };
}

const usual: SealedTo = {
  firmware: ["no entry failed", "one failed", "two failed"].map(one),
  grub: [grub("commands", "files"), grub("next commands", "next files")],
  recovery: [branch],
};
const many: SealedTo = {
  firmware: Array.from({ length: 17 }, (_, index) => one(`${index} failed`)),
  grub: Array.from({ length: 9 }, (_, index) => grub(`commands ${index}`, "files")),
  recovery: [branch, digest("another authority")],
};

/** A TPM that is started again and again with the same seeds, as a machine's is. */
async function machineTpm() {
  const directory = await mkdtemp(join(tmpdir(), "birther-seal-"));
  return {
    boot: async (pcrs: { readonly 4?: string; readonly 8?: string; readonly 9?: string } = {}) => {
      const tpm = await startSwtpm(directory);
      for (const [pcr, event] of Object.entries(pcrs)) await extend(tpm, Number(pcr), digest(event));
      return tpm;
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

async function seal(machine: Awaited<ReturnType<typeof machineTpm>>, to: SealedTo): Promise<SealedKey> {
  await using tpm = await machine.boot();
  const sealed = { to, object: await hold(tpm, sealKey(key, to, sha256)) };
  const read = readSealedKey(writeSealedKey(sealed)) ?? assert.fail("not read");
  assert.deepEqual(read, { to: sealed.to, object: sealed.object });
  return read;
}

test("a real TPM unseals a key after each boot that it is sealed to, and after no other", async () => {
  await using machine = await machineTpm();
  const sealed = await seal(machine, usual);
  const found = async (pcrs: Parameters<typeof machine.boot>[0]) => {
    await using tpm = await machine.boot(pcrs);
    return await hold(tpm, unsealKey(sealed, nonce, sha256));
  };
  const opened = { kind: "opened", key };
  assert.deepEqual(await found({ 4: "no entry failed", 8: "commands", 9: "files" }), opened);
  assert.deepEqual(await found({ 4: "two failed", 8: "next commands", 9: "next files" }), opened);
  // A foreign kernel extends 8 and 9 as it likes, and has itself in 4.
  assert.deepEqual(await found({ 4: "a foreign kernel", 8: "commands", 9: "files" }), { kind: "closed", pcrs: [4] });
  assert.deepEqual(await found({}), { kind: "closed", pcrs: [4] });
  const closed = { kind: "closed", pcrs: [8, 9] };
  assert.deepEqual(await found({ 4: "one failed" }), closed);
  assert.deepEqual(await found({ 4: "one failed", 8: "commands", 9: "next files" }), closed, "of two boots");
  assert.deepEqual(await found({ 4: "one failed", 8: "commands", 9: "foreign files" }), closed);
});

test("after our initrd, no system unseals the key, whatever root it has; the agent still sees whether it would have opened", async () => {
  await using machine = await machineTpm();
  const sealed = await seal(machine, usual);
  {
    await using tpm = await machine.boot({ 4: "one failed", 8: "commands", 9: "files" });
    assert.equal(await hold(tpm, whyNotOpened(sealed, nonce, sha256)), undefined);
    assert.equal((await hold(tpm, unsealKey(sealed, nonce, sha256))).kind, "opened");
    await hold(tpm, endUnsealing(sha256));
    assert.deepEqual(await hold(tpm, unsealKey(sealed, nonce, sha256)), { kind: "closed", pcrs: [15] });
    assert.equal(await hold(tpm, whyNotOpened(sealed, nonce, sha256)), undefined);
  }
  await using other = await machine.boot({ 4: "one failed", 8: "commands", 9: "foreign files" });
  assert.deepEqual(await hold(other, whyNotOpened(sealed, nonce, sha256)), [8, 9]);
});

test("many alternatives: groups of eight and one over them", async () => {
  await using machine = await machineTpm();
  const sealed = await seal(machine, many);
  for (const [failed, commands, isOpen] of [
    [0, 0, true],
    [7, 8, true],
    [16, 7, true],
    [17, 0, false],
    [0, 9, false],
  ] as const) {
    await using tpm = await machine.boot({ 4: `${failed} failed`, 8: `commands ${commands}`, 9: "files" });
    const { kind } = await hold(tpm, unsealKey(sealed, nonce, sha256));
    assert.equal(kind, isOpen ? "opened" : "closed", `${failed}, ${commands}`);
  }
});

test("another TPM does not load the sealed key", async () => {
  await using machine = await machineTpm();
  await using stranger = await machineTpm();
  const sealed = await seal(machine, usual);
  await using tpm = await stranger.boot({ 4: "one failed", 8: "commands", 9: "files" });
  await assert.rejects(hold(tpm, unsealKey(sealed, nonce, sha256)), /TPM: Load: expected success/);
});

test("a recovery: any boot path, by the authority's signature over this session's nonce and purpose", async () => {
  await using machine = await machineTpm();
  const sealed = await seal(machine, many);
  await using tpm = await machine.boot({ 4: "a Bootstrap Image" });
  const recovered = async (consentFor: (nonceTpm: Uint8Array) => ReturnType<typeof consentTo>) => {
    const session = await hold(tpm, beginRecovery(nonce));
    return await hold(tpm, finishRecovery(sealed, session, { consent: consentFor(session.nonce), sha256 }));
  };
  assert.deepEqual(await recovered((nonceTpm) => consentTo(nonceTpm)), key);
  assert.deepEqual(await recovered((nonceTpm) => consentTo(nonceTpm)), key, "another session");

  const past = consentTo((await hold(tpm, beginRecovery(nonce))).nonce);
  await assert.rejects(
    recovered(() => past),
    /TPM: PolicySigned: expected success/,
    "of another session",
  );
  const forged = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  await assert.rejects(
    recovered((nonceTpm) => consentTo(nonceTpm, forged)),
    /TPM: PolicySigned: expected success/,
  );
  const other = (nonceTpm: Uint8Array) => consentTo(nonceTpm, authority.privateKey, digest("another purpose"));
  await assert.rejects(recovered(other), /TPM: PolicyOR: expected success/);
});
