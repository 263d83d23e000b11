import { createHash, timingSafeEqual } from "node:crypto";
import type { MachineId } from "../core/machine/record.ts";
import type { Random } from "../core/ports.ts";

/** SHA-256 in lower-case hex: the only form in which a secret is kept. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Whether a secret is the one that was hashed, in a time that does not depend on how much of it is right. */
export function isSecret(secret: string, hash: string | undefined): boolean {
  const given = Buffer.from(hashSecret(secret), "hex");
  const kept = Buffer.from(hash ?? "", "hex");
  return given.length === kept.length && timingSafeEqual(given, kept);
}

/** A new secret of 32 random bytes, in hex. */
export function newSecret(random: Random): string {
  return Buffer.from(random.bytes(32)).toString("hex");
}

/** A new bearer credential that says whose it is: `m-525400000001.SECRET`. Hashed as a whole. */
export function newCredential(id: MachineId, random: Random): string {
  return `${id}.${newSecret(random)}`;
}

/** Whose a bearer credential claims to be; its hash has to be compared yet. */
export function claimedMachine(credential: string): MachineId | undefined {
  const match = /^(m-[0-9a-f]{12})\.[0-9a-f]{64}$/.exec(credential);
  return match?.[1] as MachineId | undefined;
}

/** The credential in an `Authorization: Bearer …` header. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer ([\w.-]{1,200})$/.exec(header ?? "")?.[1];
}
