import type { Sha256 } from "../tpm/pcr.ts";
import { joined } from "../tpm/seal-policy.ts";

/** Offsets in a PE image (Microsoft, PE Format): in the DOS header, the optional header of PE32+, and a section header. */
const dos = { peAt: 0x3c } as const;
const coff = { sections: 6, optionalSize: 20, bytes: 24 } as const;
const optional = { headersSize: 60, checksum: 64, certificates: 144 } as const;
const section = { bytes: 40, rawSize: 16, rawAt: 20 } as const;
const pe32Plus = 0x20b;

/**
 * The Authenticode hash of an EFI program for 64-bit machines, which the firmware measures before it starts it (Windows
 * Authenticode PE Format; TCG PC Client Platform Firmware Profile, 10.2.3): all but checksum and signatures. Undefined if it is none.
 */
export function authenticodeSha256(image: Uint8Array, sha256: Sha256): Uint8Array | undefined {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  try {
    const pe = view.getUint32(dos.peAt, true);
    const head = pe + coff.bytes;
    if (view.getUint32(pe, false) !== 0x50450000 || view.getUint16(head, true) !== pe32Plus) return undefined;
    const headersSize = view.getUint32(head + optional.headersSize, true);
    const certificatesSize = view.getUint32(head + optional.certificates + 4, true);
    const table = head + view.getUint16(pe + coff.optionalSize, true);
    const sections = Array.from({ length: view.getUint16(pe + coff.sections, true) }, (_, index) => {
      const at = table + index * section.bytes;
      return { at: view.getUint32(at + section.rawAt, true), size: view.getUint32(at + section.rawSize, true) };
    });
    const inOrder = sections.filter(({ size }) => size > 0).sort((one, other) => one.at - other.at);
    const hashed = headersSize + inOrder.reduce((sum, { size }) => sum + size, 0);
    const ranges: readonly (readonly [number, number])[] = [
      [0, head + optional.checksum],
      [head + optional.checksum + 4, head + optional.certificates],
      [head + optional.certificates + 8, headersSize],
      ...inOrder.map(({ at, size }) => [at, at + size] as const),
      [hashed, Math.max(hashed, image.length - certificatesSize)],
    ];
    if (ranges.some(([from, to]) => from > to || to > image.length)) return undefined;
    return sha256(joined(...ranges.map(([from, to]) => image.subarray(from, to))));
  } catch {
    return undefined;
  }
}
