/**
 * Bytes of the body that a request announces (RFC 9112 §6.2); undefined if its length is known only once it is read: it has
 * a transfer coding, or no length. `header` gives the text of a header.
 */
export function announcedSize(header: (name: string) => string | undefined): number | undefined {
  const length = header("content-length");
  return length === undefined || header("transfer-encoding") !== undefined ? undefined : Number(length);
}
