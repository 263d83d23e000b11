import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Webhook } from "standardwebhooks";
import { readWebhook, webhookKey } from "./webhook-secret.ts";
import { signatureHeaders } from "./webhook-signature.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-secret-"));
after(() => rmSync(directory, { recursive: true }));
const base64 = (bytes: number) => Buffer.alloc(bytes, 0xfb).toString("base64");
const body = '{"kind":"hold","reason":"größer"}';

function keyOf(secret: string): Uint8Array {
  const result = webhookKey(secret);
  return result.kind === "key" ? result.key : assert.fail(result.fault);
}

const verifiers: readonly (readonly [title: string, secret: string, verifier: Webhook])[] = [
  ["whsec_", `whsec_${base64(32)}`, new Webhook(`whsec_${base64(32)}`)],
  ["whsec_ without padding", `whsec_${base64(32).replace("=", "")}`, new Webhook(`whsec_${base64(32)}`)],
  ["any other text, whose bytes are the key", "0123456789abcdef", new Webhook("0123456789abcdef", { format: "raw" })],
];
for (const [title, secret, verifier] of verifiers) {
  test(`webhook secret: ${title}: an independent verifier accepts this signature and no other`, () => {
    const call = { id: "m-525400000001-41-failing", atMs: Date.now(), body };
    const headers = signatureHeaders(call, keyOf(secret));
    assert.deepEqual(verifier.verify(body, headers), JSON.parse(body));
    assert.throws(() => verifier.verify(`${body} `, headers));
    assert.throws(() => verifier.verify(body, { ...headers, "webhook-id": "m-525400000001-41-hold" }));
    const replayed = signatureHeaders({ ...call, atMs: call.atMs - 6 * 60_000 }, keyOf(secret));
    assert.throws(() => verifier.verify(body, replayed), /too old/);
  });
}

const unusable: readonly (readonly [secret: string, says: RegExp])[] = [
  ["fifteen letters", /at least 16 characters, found 15/],
  [`whsec_${base64(23)}`, /expected 24 to 64 bytes in Base64 after whsec_, found 23/],
  [`whsec_${base64(65)}`, /found 65/],
  [`whsec_${base64(32).replace("+", "*")}`, /expected Base64 after whsec_/],
  ["whsec_", /found 0/],
];
for (const [secret, says] of unusable) {
  test(`webhook secret: ${secret.slice(0, 20)} of ${secret.length} characters is refused`, async () => {
    const secretFile = join(directory, "secret");
    writeFileSync(secretFile, `${secret}\n`);
    const reading = readWebhook({ url: "http://hooks.example/", secretFile });
    await assert.rejects(reading, says);
    await assert.rejects(reading, /webhook http:\/\/hooks\.example\/ in .*; make a secret: echo "whsec_\$\(openssl/);
  });
}
