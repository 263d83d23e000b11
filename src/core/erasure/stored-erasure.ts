import type { MachineId } from "../machine/record.ts";

/** A statement about an erasure, as it was signed. It stays when its machine is retired. */
export type StoredErasure = {
  readonly machine: MachineId;
  readonly generation: number;
  /** The boot that reported it, and the disk's path then: a repeated report is the same erasure. */
  readonly bootId: string;
  readonly path: string;
  readonly serial: string;
  readonly wwn: string;
  readonly atMs: number;
  /** JSON text (`ErasureStatement`); the signature is of its bytes in UTF-8. */
  readonly statement: string;
  readonly signature?: ErasureSignature;
};

/** ECDSA with SHA-256 over the statement, DER in base64, and the SHA-256 fingerprint of the authority's certificate. */
export type ErasureSignature = { readonly value: string; readonly authority: string };

/** Statements that the MDB keeps: five of each of 4,000 machines. The oldest goes when there is another one. */
export const mostErasures = 20_000;
/** For each disk that an order takes, of one generation of a machine, which may fail and erase again at each start. The latest replaces the one before it then. */
export const mostErasuresPerGeneration = 16;
