import { unsignedAt } from "../../bytes/little-endian.ts";
import { descriptorAt } from "../ata/ata-result.ts";
import { type AtaCommand, ataPassThrough } from "../ata/pass-through.ts";
import type { DeviceCommands } from "../device-commands.ts";
import type { DiskHealth } from "./disk-health.ts";
import { readByScsi, type ScsiData } from "./scsi-read.ts";

const blockBytes = 512;

const smart = { command: 0xb0, lba: 0xc24f00 };
const smartData: AtaCommand = { ...smart, features: 0xd0, data: "in" };
const smartStatus: AtaCommand = { ...smart, features: 0xda, data: "none" };
/** READ LOG EXT of log 04h, device statistics, page 7: solid-state devices (ACS-3 §A.5). */
const solidStatePage = 7;
const deviceStatistics: AtaCommand = { command: 0x2f, lba: (solidStatePage << 8) | 0x04, data: "in", extended: true };

/** LBA mid and high after a command: in the ATA status descriptor, or in fixed sense data (SAT-3 §12.2.2.7). */
function registersIn(sense: Uint8Array): { readonly lbaMid: number; readonly lbaHigh: number } | undefined {
  const kind = unsignedAt(sense, 0, 1) & 0x7f;
  if (kind === 0x70 || kind === 0x71) return { lbaMid: sense[10] ?? 0, lbaHigh: sense[11] ?? 0 };
  if (kind !== 0x72 && kind !== 0x73) return undefined;
  const at = descriptorAt(sense.subarray(0, 8 + (sense[7] ?? 0)), 0x09);
  return at === undefined ? undefined : { lbaMid: sense[at + 9] ?? 0, lbaHigh: sense[at + 11] ?? 0 };
}

/** The attributes that say something about a disk of any maker, and how many bytes of their raw value are the count. */
const attributes: { readonly [id: number]: readonly [figure: string, bytes: number] } = {
  5: ["reallocatedSectors", 4],
  // The upper bytes have minutes or milliseconds on some disks.
  9: ["powerOnHours", 3],
  194: ["temperatureCelsius", 1],
  197: ["pendingSectors", 4],
  198: ["uncorrectableSectors", 4],
  199: ["crcErrors", 4],
};
const attributesAt = 2;
const attributeBytes = 12;
const attributeCount = 30;

function attributesIn(data: Uint8Array): DiskHealth["figures"] {
  const figures: { [name: string]: number } = {};
  for (let index = 0; index < attributeCount; index += 1) {
    const at = attributesAt + index * attributeBytes;
    const known = attributes[data[at] ?? 0];
    if (known !== undefined) figures[known[0]] = unsignedAt(data, at + 5, known[1]);
  }
  return figures;
}

/** Whether the disk has carried out a command that returns data. */
function isWhole({ status, transport, data }: ScsiData): boolean {
  return transport === 0 && status === 0 && data.length === blockBytes;
}

/** The share of its endurance that a solid-state disk has used; nothing if it does not say. */
function enduranceUsed(answer: ScsiData): DiskHealth["figures"] {
  const { data } = answer;
  if (!isWhole(answer) || unsignedAt(data, 2, 1) !== solidStatePage) return {};
  const isValid = (unsignedAt(data, 15, 1) & 0xc0) === 0xc0;
  return isValid ? { enduranceUsedPercent: unsignedAt(data, 8, 1) } : {};
}

/**
 * The health of an ATA disk: its SMART status, and the attributes that makers agree on; undefined if it has no SMART, or if
 * it is switched off. Throws if the driver takes no commands.
 */
export function readAtaHealth(commands: Pick<DeviceCommands, "scsi">): DiskHealth | undefined {
  const send = (command: AtaCommand, bytes: number) => readByScsi(commands, ataPassThrough(command), bytes);
  const read = send(smartData, blockBytes);
  if (!isWhole(read) || read.data.reduce((sum, byte) => (sum + byte) % 256, 0) !== 0) return undefined;
  const registers = registersIn(send(smartStatus, 0).sense);
  const hasFailed = registers?.lbaMid === 0xf4 && registers.lbaHigh === 0x2c;
  return {
    figures: { ...attributesIn(read.data), ...enduranceUsed(send(deviceStatistics, blockBytes)) },
    failures: hasFailed ? ["its SMART status says that it has failed or is about to"] : [],
  };
}
