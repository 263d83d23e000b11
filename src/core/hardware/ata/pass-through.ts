/** An ATA command (ACS-4); what is absent is 0. */
export type AtaCommand = {
  readonly command: number;
  /** Whether a block of 512 bytes goes to the disk or comes from it. */
  readonly data: "none" | "in" | "out";
  /** The command has registers of 48 bits. */
  readonly extended?: boolean;
  /** 16 bits. */
  readonly features?: number;
  /** The lower 32 bits. */
  readonly lba?: number;
};

const protocols = { none: 3, in: 4, out: 5 } as const;
/** CK_COND: the registers come back as sense data, also of a command that succeeds. */
const checkCondition = 0x20;
/** T_LENGTH in the count, in blocks of 512 bytes; T_DIR from the disk. */
const oneBlock = 0x06;
const fromDisk = 0x08;
const flags = { none: checkCondition, in: fromDisk | oneBlock, out: checkCondition | oneBlock } as const;

/** The SCSI command ATA PASS-THROUGH (16) that carries an ATA command (SAT-4 §12.2.2). */
export function ataPassThrough({
  command,
  data,
  extended = false,
  features = 0,
  lba = 0,
}: AtaCommand): readonly number[] {
  const byte = (shift: number) => (lba >>> shift) & 0xff;
  const count = data === "none" ? 0 : 1;
  // The bytes of the LBA are in the order 31:24, 7:0, 39:32, 15:8, 47:40, 23:16.
  const place = [byte(24), byte(0), 0, byte(8), 0, byte(16)];
  const first = [0x85, (protocols[data] << 1) | Number(extended), flags[data], features >> 8, features & 0xff];
  return [...first, 0, count, ...place, 0, command, 0];
}
