import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ip } from "../../core/net/testing/addresses.ts";
import { systemClock as clock } from "../../main/system-ports.ts";
import { operatorCertificate } from "./operator-certificate.ts";

const parent = mkdtempSync(join(tmpdir(), "birther-certificate-"));
after(() => rmSync(parent, { recursive: true }));
const certificateFor = (config: Parameters<typeof operatorCertificate>[0]["config"]) =>
  operatorCertificate({ config, pki: { directory: join(parent, "pki") }, clock, log: () => {} })();

test("a certificate of our own authority covers localhost, the configured names and the served addresses", async () => {
  const made = await certificateFor({ addresses: [ip("10.77.0.1")], names: ["mdb.example.org"] });
  const certificate = new X509Certificate(made.certificatePem);
  for (const name of ["localhost", "mdb.example.org"]) assert.equal(certificate.checkHost(name), name);
  for (const address of ["127.0.0.1", "10.77.0.1"]) assert.equal(certificate.checkIP(address), address);
  assert.equal(certificate.checkHost("birther"), undefined, "machines verify that name, and this key is not theirs");
});

test("a configured certificate is read each time; a missing one is reported with its configuration key", async () => {
  const [certificate, key] = [join(parent, "cert.pem"), join(parent, "key.pem")];
  const config = { addresses: [], names: [], certificate, key };
  writeFileSync(certificate, "one");
  await assert.rejects(certificateFor(config), /operators\.key: reading .*key\.pem failed; make it readable/);
  writeFileSync(key, "its key");
  assert.deepEqual(await certificateFor(config), { certificatePem: "one", keyPem: "its key" });
  writeFileSync(certificate, "two");
  assert.equal((await certificateFor(config)).certificatePem, "two");
});
