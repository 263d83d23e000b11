/** The registers of an ATA command that went through SCSI. */
export type AtaResult = {
  readonly isError: boolean;
  readonly status: number;
  readonly error: number;
  /** 16 bits; of sense data in fixed format, only the lower eight are known. */
  readonly count: number;
  /** The lower 24 bits. */
  readonly lba: number;
};

const errorOrFault = 0x21;

/** Reads the sense data of an ATA command (SAT-4 §12.2.5 and §12.2.6); an answer without registers is a success, unless it is none. */
export function readAtaResult({
  status,
  transport,
  sense,
}: {
  readonly status: number;
  readonly transport: number;
  readonly sense: Uint8Array;
}): AtaResult {
  const byte = (at: number) => sense[at] ?? 0;
  const format = byte(0) & 0x7f;
  const isGood = transport === 0 && status === 0;
  if (format === 0x72 || format === 0x73) {
    const at = descriptorAt(sense, 0x09);
    if (at !== undefined) {
      const registers = { status: byte(at + 13), error: byte(at + 3), count: (byte(at + 4) << 8) | byte(at + 5) };
      return registersOf(registers, [byte(at + 7), byte(at + 9), byte(at + 11)]);
    }
  }
  if ((format === 0x70 || format === 0x71) && sense.length > 11 && byte(4) !== 0)
    return registersOf({ status: byte(4), error: byte(3), count: byte(6) }, [byte(9), byte(10), byte(11)]);
  return { isError: !isGood, status: isGood ? 0x50 : 0x51, error: 0, count: 0, lba: 0 };
}

function registersOf(
  registers: Pick<AtaResult, "status" | "error" | "count">,
  [low = 0, middle = 0, high = 0]: readonly number[],
): AtaResult {
  return { ...registers, isError: (registers.status & errorOrFault) !== 0, lba: low | (middle << 8) | (high << 16) };
}

/** Where the descriptor of a type begins in sense data of descriptor format. */
export function descriptorAt(sense: Uint8Array, type: number): number | undefined {
  for (let at = 8; at + 1 < sense.length; at += 2 + (sense[at + 1] ?? 0)) if (sense[at] === type) return at;
  return undefined;
}
