import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { pointInCertificate } from "./verifier-key.ts";

const keyOf = (namedCurve: string) => {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve });
  return { der: publicKey.export({ format: "der", type: "spki" }), jwk: publicKey.export({ format: "jwk" }) };
};
const number = (text: string | undefined) => new Uint8Array(Buffer.from(text ?? "", "base64url"));

test("the point of a P-256 key among other bytes; none where it is cut off, or of another curve", () => {
  const { der, jwk } = keyOf("prime256v1");
  const certificate = Uint8Array.of(0x30, 0x82, 0x30, 0x59, ...der, 0x30, 0x0a);
  assert.deepEqual(pointInCertificate(certificate), { x: number(jwk.x), y: number(jwk.y) });
  assert.equal(pointInCertificate(certificate.subarray(0, certificate.length - 3)), undefined);
  assert.equal(pointInCertificate(new Uint8Array(keyOf("secp384r1").der)), undefined);
  assert.equal(pointInCertificate(new Uint8Array()), undefined);
});
