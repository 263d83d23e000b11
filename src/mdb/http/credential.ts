import { hash } from "node:crypto";
import { credentialFor } from "../../contract/credential.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Random } from "../../core/ports.ts";

/** SHA-256 in lower-case hex: the only form in which a secret is stored. */
export function hashSecret(secret: string): string {
  return hash("sha256", secret);
}

/** A new secret of 32 random bytes, in hex. */
export function newSecret(random: Random): string {
  return Buffer.from(random.bytes(32)).toString("hex");
}

/** A new bearer credential of a machine. */
export function newCredential(id: MachineId, random: Random): string {
  return credentialFor(id, newSecret(random));
}
