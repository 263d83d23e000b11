import type { MachineId } from "../core/machine/record.ts";

/** A bearer credential and the machine that it claims to be of. */
export type MachineCredential = { readonly machineId: MachineId; readonly credential: string };

/** A bearer credential that says whose it is, `m-525400000001.SECRET`; the secret is 32 random bytes in hex. */
export function credentialFor(id: MachineId, secret: string): string {
  return `${id}.${secret}`;
}

/**
 * The credential in an `Authorization: Bearer …` header; undefined if it has none of our format. It must still be
 * verified.
 */
export function parseMachineCredential(header: string | undefined): MachineCredential | undefined {
  const [, credential, machineId] = /^Bearer ((m-[0-9a-f]{12})\.[0-9a-f]{64})$/.exec(header ?? "") ?? [];
  return credential === undefined ? undefined : { credential, machineId: machineId as MachineId };
}

/**
 * Whether a credential, hashed as a whole, is the one that was kept (SHA-256, lower-case hex). `sha256` hashes text to that form:
 * each engine has its own. Takes as long however much of it is right.
 */
export function isKept(credential: string, kept: string | undefined, sha256: (text: string) => string): boolean {
  const given = sha256(credential);
  if (kept === undefined || kept.length !== given.length) return false;
  let difference = 0;
  for (let n = 0; n < given.length; n += 1) difference |= given.charCodeAt(n) ^ kept.charCodeAt(n);
  return difference === 0;
}
