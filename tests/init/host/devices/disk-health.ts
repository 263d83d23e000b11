import type { DeviceFirmware, NvmeCommand } from "../storage/device-firmware.ts";

/** What a disk knows of its health. Its controller answers as the standards say, from what it is now. */
export type HealthFacts =
  /** NVMe: bits of the critical warning, and counters. */
  | { readonly kind: "nvme"; criticalWarning: number; mediaErrors: number; usedPercent: number; kelvins: number }
  /** ATA: its SMART status, and raw values of attributes by their number. */
  | { readonly kind: "ata"; failed: boolean; readonly attributes: { [id: number]: number } }
  /** SCSI: the additional sense code of its informational exceptions. */
  | { readonly kind: "scsi"; exception: number };

const noSense = new Uint8Array(0);
const illegalRequest = { status: 2, sense: Uint8Array.of(0x72, 5, 0x20, 0, 0, 0, 0, 0), bytes: 0 };

/** The firmware of a disk that tells its health. */
export function healthFirmware(health: HealthFacts): DeviceFirmware {
  if (health.kind === "nvme") return { nvmeAdmin: (command, data) => answerLog(health, command, data) };
  return {
    scsi: (cdb, data) => (health.kind === "ata" ? answerAta(health, cdb, data) : answerScsi(health, cdb, data)),
  };
}

type Kind<K extends HealthFacts["kind"]> = Extract<HealthFacts, { readonly kind: K }>;

/** The SMART log of an NVMe controller (NVM Express Base Specification 2.0, §5.16.1.3). */
function answerLog(health: Kind<"nvme">, { opcode, cdw }: NvmeCommand, data: Uint8Array) {
  const [invalidOpcode, invalidLogPage] = [0x4001, 0x4109];
  if (opcode !== 0x02) return { status: invalidOpcode, result: 0 };
  const [cdw10 = 0] = cdw;
  if ((cdw10 & 0xff) !== 2 || ((cdw10 >>> 16) + 1) * 4 !== data.length) return { status: invalidLogPage, result: 0 };
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  data[0] = health.criticalWarning;
  view.setUint16(1, health.kelvins, true);
  data.set([100, 10, health.usedPercent], 3);
  view.setUint32(160, health.mediaErrors, true);
  return { status: 0, result: 0 };
}

/** INFORMATIONAL EXCEPTIONS of a SCSI disk (SPC-4 §7.3.8). */
function answerScsi({ exception }: Kind<"scsi">, cdb: Uint8Array, data: Uint8Array) {
  if (cdb[0] !== 0x4d || (cdb[2] ?? 0) % 64 !== 0x2f) return illegalRequest;
  data.set([0x2f, 0, 0, 8, 0, 0, 3, 4, exception, 0, 35, 0]);
  return { status: 0, sense: noSense, bytes: 12 };
}

/** SMART of an ATA disk behind ATA PASS-THROUGH (16) (ACS-3 §7.48). */
function answerAta({ failed, attributes }: Kind<"ata">, cdb: Uint8Array, data: Uint8Array) {
  if (cdb[0] !== 0x85 || cdb[14] !== 0xb0 || cdb[10] !== 0x4f || cdb[12] !== 0xc2) return illegalRequest;
  if (cdb[4] === 0xd0) {
    data.set(smartData(attributes));
    return { status: 0, sense: noSense };
  }
  if (cdb[4] !== 0xda) return illegalRequest;
  const [mid, high] = failed ? [0xf4, 0x2c] : [0x4f, 0xc2];
  const sense = Uint8Array.of(0x72, 1, 0, 0x1d, 0, 0, 0, 14, 9, 12, 0, 0, 0, 0, 0, 0, 0, mid, 0, high, 0, 0x50);
  return { status: 2, sense };
}

function smartData(attributes: { readonly [id: number]: number }): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(512);
  Object.entries(attributes).forEach(([id, raw], index) => {
    const at = 2 + 12 * index;
    data[at] = Number(id);
    new DataView(data.buffer).setUint32(at + 5, raw, true);
  });
  data[511] = (256 - (data.reduce((sum, byte) => sum + byte, 0) % 256)) % 256;
  return data;
}
