import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Machine } from "../../core/machine/record.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import { trustIdOf } from "../../core/machine/trust-id.ts";
import type { DocumentDraft } from "../../core/store/stored-documents.ts";
import { documentMemory } from "../store/document-memory.ts";
import { openTrust } from "./authority.ts";
import { openPki } from "./pki.ts";
import { addAuthority, type RotationPlace, retireAuthority, switchAuthority, viewTrust } from "./rotate.ts";
import { readTrusted } from "./trusted.ts";

const parent = mkdtempSync(join(tmpdir(), "birther-rotate-"));
after(() => rmSync(parent, { recursive: true }));
const clock = { nowMs: () => Date.parse("2026-11-22T00:00:00Z"), monotonicMs: () => 0 };
const log = () => {};

/** An MDB with one installed machine, and its state directory after the first start of a server. */
async function site(name: string) {
  const memory = documentMemory([]);
  let machine: Machine = testMachine("healthy", {});
  const audited: string[] = [];
  const write = ({ kind, key, document }: DocumentDraft) => memory.apply([{ kind, key, document, position: 1 }]);
  const store: RotationPlace["store"] & Parameters<typeof openTrust>[0]["store"] = {
    documents: memory.of,
    putDocument: async ({ by, ...draft }) => {
      audited.push(`${draft.kind} by ${by}`);
      write(draft);
    },
    replaceDocument: async (draft) => {
      write(draft);
      return "written";
    },
    unreadableDocuments: () => [],
    list: () => [machine],
    position: () => 0,
  };
  const directory = join(parent, name);
  const place = { store, directory, clock, log, by: "uid:olga" };
  const start = () => openTrust(place);
  await start();
  return {
    ...{ place, directory, start, audited },
    /** What the server's certificate is issued by. */
    issuer: async () => {
      const { issuing } = await start();
      const { certificatePem } = await openPki({ directory, issuing, clock, log });
      const { caPem } = await start();
      const authorities = caPem.split(/(?=-----BEGIN)/).map((pem) => new X509Certificate(pem));
      return authorities.find((each) => new X509Certificate(certificatePem).verify(each.publicKey))?.fingerprint256;
    },
    /** The machine polls and takes what the server hands out. */
    poll: async () => {
      const { caPem } = await start();
      machine = { ...machine, trusts: trustIdOf(createHash("sha512").update(caPem).digest("hex")) } as Machine;
    },
  };
}
const roles = (view: ReturnType<typeof viewTrust>) => view.authorities.map(({ role }) => role);

test("an authority is added, issues after the switch, and the former one is retired", async () => {
  const { place, directory, issuer, poll, audited } = await site("a");
  const first = await issuer();
  await poll();
  await addAuthority(place);
  assert.deepEqual(roles(viewTrust(place)), ["issuing", "next"]);
  assert.equal(await issuer(), first, "it issues nothing yet");
  await assert.rejects(switchAuthority(place, false), /1 of 1 machines have not reported that they trust the added/);
  await poll();
  await switchAuthority(place, false);
  const second = await issuer();
  assert.notEqual(second, first);
  assert.deepEqual(roles(viewTrust(place)), ["former", "issuing"]);
  assert.deepEqual(viewTrust(place).behind, [], "the machine trusts both");
  await assert.rejects(addAuthority(place), /first: birther authority retire/);
  await retireAuthority(place);
  assert.deepEqual(audited, Array(3).fill("authority by uid:olga"), "the audit names each step's operator");
  assert.deepEqual(roles(viewTrust(place)), ["issuing"]);
  assert.equal(await issuer(), second);
  assert.equal(existsSync(join(directory, "ca.pem")), false);
  assert.ok(readdirSync(directory).includes("ca.pem.retired"));
  await addAuthority(place);
  assert.ok(readdirSync(directory).includes("ca-3.pem"), "numbers are not used twice");
});

test("steps out of order say what comes first; an override leaves machines behind", async () => {
  const { place, poll } = await site("b");
  await assert.rejects(switchAuthority(place, false), /first: birther authority add/);
  await assert.rejects(retireAuthority(place), /first: birther authority switch/);
  await poll();
  await addAuthority(place);
  await assert.rejects(addAuthority(place), /next: birther authority switch/);
  await switchAuthority(place, true);
  assert.equal(viewTrust(place).behind.length, 1);
});

test("an addition that was cut before the MDB knew of it is used by the next one", async () => {
  const { place, directory, start } = await site("c");
  const cut = { ...place.store, putDocument: () => Promise.reject(new Error("power cut")) };
  await assert.rejects(addAuthority({ ...place, store: cut }), /power cut/);
  assert.equal((await start()).caPem.match(/BEGIN/g)?.length, 1, "it is not trusted yet");
  await addAuthority(place);
  assert.deepEqual(
    readdirSync(directory).filter((name) => /^ca-.*pem$/.test(name)),
    ["ca-2.pem"],
  );
  assert.equal((await start()).caPem.match(/BEGIN/g)?.length, 2);
});

test("a server that lacks the added or the issuing authority does not start, and says what to restore", async () => {
  const { place, directory, start } = await site("d");
  await addAuthority(place);
  const { next } = readTrusted(place.store) ?? assert.fail();
  rmSync(join(directory, "ca-2.pem"));
  await assert.rejects(start(), new RegExp(`expected the authority ${next}, .*; restore its files`));
  const other = await site("e");
  await addAuthority(other.place);
  await switchAuthority(other.place, true);
  rmSync(join(other.directory, "ca-2.key"));
  await assert.rejects(other.start(), /expected fingerprint .*, found .*; restore its files/);
});

/** The files of the retired authority that a power cut may leave under their names: retiring renames one after the other. */
const leftByCut = [["ca.key", "ca.pem"], ["ca.pem"], ["ca.key"]] as const;
for (const [index, files] of leftByCut.entries()) {
  test(`a retirement that is cut and leaves ${files.join(" and ")} stops no server, and what is left is never trusted again`, async () => {
    const { place, directory, start, issuer } = await site(`cut-${index}`);
    await addAuthority(place);
    await switchAuthority(place, true);
    const second = await issuer();
    const { former } = readTrusted(place.store) ?? assert.fail();
    await retireAuthority(place);
    for (const file of files) renameSync(join(directory, `${file}.retired`), join(directory, file));
    assert.equal(await issuer(), second);
    await addAuthority(place);
    assert.notEqual(readTrusted(place.store)?.next, former, "it may have been retired because its key is known");
    assert.equal((await start()).caPem.match(/BEGIN/g)?.length, 2);
    await switchAuthority(place, true);
    await retireAuthority(place);
    assert.deepEqual(
      readdirSync(directory).filter((name) => /^ca(-2)?\.(pem|key)$/.test(name)),
      [],
      "the next retirement finishes it",
    );
  });
}

test("a backup from before a rotation: the server says so, and two steps lead back to the machines", async () => {
  const { place, directory, start, issuer } = await site("old");
  const first = readTrusted(place.store) ?? assert.fail();
  await addAuthority(place);
  await switchAuthority(place, true);
  const second = await issuer();
  await retireAuthority(place);
  await place.store.putDocument({ kind: "authority", key: "ca", document: first });
  const notified = String(await start().catch((error: unknown) => error));
  assert.match(notified, /ca\.pem\.retired.*made before .*birther authority add.*birther authority switch --override/);
  for (const file of ["ca.key", "ca.pem"]) renameSync(join(directory, `${file}.retired`), join(directory, file));
  await addAuthority(place);
  await switchAuthority(place, true);
  assert.equal(await issuer(), second, "the one that the machines trust");
});
