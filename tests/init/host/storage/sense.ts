/** Sense data in descriptor format (SPC-5 §4.4.2): the registers of an ATA command that succeeded or failed (SAT-4 §12.2.6). */
export function ataSense(registers: {
  readonly status: number;
  readonly error?: number;
  readonly count?: number;
  readonly lba?: number;
}): Uint8Array {
  const { status, error = 0, count = 0, lba = 0 } = registers;
  const sense = new Uint8Array(22);
  sense.set([0x72, 0x01, 0x00, 0x1d, 0, 0, 0, 14, 0x09, 0x0c, 0x01, error, count >> 8, count & 0xff]);
  sense.set([0, lba & 0xff, 0, (lba >> 8) & 0xff, 0, (lba >> 16) & 0xff, 0x40, status], 14);
  return sense;
}

/** The same in fixed format, in which libata answers a failed command. */
export function fixedAtaSense({ status, error, lba = 0 }: { status: number; error: number; lba?: number }): Uint8Array {
  const sense = new Uint8Array(18);
  sense.set([0x70, 0, 0x0b, error, status, 0x40, 0, 10, 0, lba & 0xff, (lba >> 8) & 0xff, (lba >> 16) & 0xff]);
  return sense;
}

/** Sense data in fixed format (SPC-5 §4.4.3), with a progress of 65,536 parts. */
export function fixedSense(key: number, [code, qualifier]: readonly [number, number], progress?: number): Uint8Array {
  const sense = new Uint8Array(18);
  sense.set([0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code, qualifier]);
  if (progress !== undefined) sense.set([0x80, progress >> 8, progress & 0xff], 15);
  return sense;
}
