/** SHA-256 of bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

const pcrBytes = 32;

/** A PCR that nothing has extended. */
export const zeroPcr: Uint8Array = new Uint8Array(pcrBytes);

/** The value of a PCR after it was extended with digests in turn (TPM Library, Part 1, 17.2). */
export function extended(pcr: Uint8Array, digests: readonly Uint8Array[], sha256: Sha256): Uint8Array {
  let value = pcr;
  for (const digest of digests) {
    const both = new Uint8Array(2 * pcrBytes);
    both.set(value);
    both.set(digest, pcrBytes);
    value = sha256(both);
  }
  return value;
}
