import { createHmac } from "node:crypto";

/** The signed parts of a call: `atMs` is the time of this attempt; the id is the same for all attempts. */
export type SignedCall = {
  readonly id: string;
  readonly atMs: number;
  /** The body as sent, byte for byte. */
  readonly body: string;
};

/**
 * The headers that let a receiver verify a call by the Standard Webhooks specification (standardwebhooks.com, version
 * 1.0.0, symmetric signatures): `v1,` and the Base64 of HMAC-SHA256 over id, time in seconds and body, joined by dots.
 */
export function signatureHeaders({ id, atMs, body }: SignedCall, key: Uint8Array): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(atMs / 1000));
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}
