/** Names a set of trusted certificate authorities on the record: the start of the SHA-512 of the file that machines get. */
export function trustIdOf(sha512: string): string {
  return sha512.slice(0, 16);
}
