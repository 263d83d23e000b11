/**
 * Offsets in PE/COFF files of 64-bit programs (Microsoft's "PE Format"), the format of EFI kernels and boot loaders.
 */
const peOffsetAt = 0x3c;
const optionalHeaderAt = 24;
const magicOf64Bit = 0x20b;
/** Offset, from the optional header, of the size of the certificate table (the fifth data directory). */
const certificateSizeAt = 112 + 4 * 8 + 4;

/** Whether an EFI program carries a signature; shim decides whether it is valid. Never throws, whatever the bytes. */
export function isSigned(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < peOffsetAt + 4 || view.getUint16(0) !== 0x4d5a) return false; // "MZ"
  const pe = view.getUint32(peOffsetAt, true);
  const header = pe + optionalHeaderAt;
  if (header + certificateSizeAt + 4 > bytes.length || view.getUint32(pe) !== 0x50450000) return false; // "PE\0\0"
  return view.getUint16(header, true) === magicOf64Bit && view.getUint32(header + certificateSizeAt, true) > 0;
}
