import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openPki } from "./pki.ts";

const parent = mkdtempSync(join(tmpdir(), "birther-pki-"));
after(() => rmSync(parent, { recursive: true }));
const dayMs = 86_400_000;
const start = Date.parse("2026-11-22T00:00:00Z");
const open = (name: string, daysLater = 0) =>
  openPki({
    directory: join(parent, name),
    clock: { nowMs: () => start + daysLater * dayMs, monotonicMs: () => 0 },
    log: () => {},
  });

test("an authority and a certificate for `birther`, valid even if a clock is years behind", async () => {
  const identity = await open("a");
  const certificate = new X509Certificate(identity.certificatePem);
  const authority = new X509Certificate(identity.caPem);
  assert.ok(authority.ca);
  assert.ok(certificate.checkIssued(authority) && certificate.verify(authority.publicKey));
  assert.equal(certificate.checkHost("birther"), "birther");
  assert.equal(certificate.checkHost("other"), undefined);
  assert.ok(
    Date.parse(certificate.validFrom) < Date.parse("2021-01-01") &&
      Date.parse(authority.validFrom) < Date.parse("2021-01-01"),
  );
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
  for (const name of ["ca.key", "server.key"]) assert.equal(statSync(join(parent, "a", name)).mode & 0o777, 0o600);
});

test("the next start uses it again; the certificate is renewed before it expires, the authority never", async () => {
  const first = await open("b");
  assert.deepEqual(await open("b", 600), first);
  const renewed = await open("b", 650);
  assert.equal(renewed.caPem, first.caPem);
  assert.notEqual(renewed.certificatePem, first.certificatePem);
  assert.ok(new X509Certificate(renewed.certificatePem).verify(new X509Certificate(first.caPem).publicKey));
});

test("a certificate that does not match its key is replaced", async () => {
  await open("c");
  rmSync(join(parent, "c", "server.key"));
  const again = await open("c");
  assert.ok(again.keyPem.includes("PRIVATE KEY"));
});

test("an incomplete authority is refused, not replaced", async () => {
  await open("d");
  rmSync(join(parent, "d", "ca.key"));
  await assert.rejects(open("d"), /expected both ca.key and ca.pem, found only one/);
});

test("the operators' server has its own names and addresses; a change of them makes a new certificate", async () => {
  const openAs = (names: readonly string[]) =>
    openPki({
      ...{ directory: join(parent, "e"), log: () => {}, server: { file: "operators", names } },
      clock: { nowMs: () => start, monotonicMs: () => 0 },
    });
  const first = await openAs(["mdb.example.org", "10.77.0.1"]);
  const certificate = new X509Certificate(first.certificatePem);
  assert.equal(certificate.checkHost("mdb.example.org"), "mdb.example.org");
  assert.equal(certificate.checkIP("10.77.0.1"), "10.77.0.1");
  assert.deepEqual([certificate.checkHost("birther"), certificate.checkIP("10.77.0.2")], [undefined, undefined]);
  assert.deepEqual(await openAs(["10.77.0.1", "mdb.example.org"]), first);
  const moved = await openAs(["mdb.example.org", "10.77.0.2"]);
  assert.equal(new X509Certificate(moved.certificatePem).checkIP("10.77.0.2"), "10.77.0.2");
  assert.equal(moved.caPem, (await open("e")).caPem);
});
