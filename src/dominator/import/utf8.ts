/**
 * Decodes bytes that must be UTF-8. JSON cannot carry any other name, so it is refused here instead of being mangled.
 */
export function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new Error(`expected a name in UTF-8, found ${JSON.stringify(Buffer.from(bytes).toString("latin1"))}`, {
      cause,
    });
  }
}
