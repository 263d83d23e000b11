/** Offsets of PE/COFF for 64-bit programs (Microsoft's "PE Format"): what kernels and boot loaders are to the firmware. */
const peOffsetAt = 0x3c;
const optionalHeaderAt = 24;
const magicOf64Bit = 0x20b;
/** The size of the certificate table, the fifth data directory, from the optional header on. */
const certificateSizeAt = 112 + 4 * 8 + 4;

/** Whether an EFI program carries a signature; whether it holds is for shim to say. No bytes make it throw. */
export function isSigned(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < peOffsetAt + 4 || view.getUint16(0) !== 0x4d5a) return false; // "MZ"
  const pe = view.getUint32(peOffsetAt, true);
  const header = pe + optionalHeaderAt;
  if (header + certificateSizeAt + 4 > bytes.length || view.getUint32(pe) !== 0x50450000) return false; // "PE\0\0"
  return view.getUint16(header, true) === magicOf64Bit && view.getUint32(header + certificateSizeAt, true) > 0;
}
