import { uint16At } from "../../bytes/big-endian.ts";
import type { DeviceCommands } from "../device-commands.ts";
import type { DiskHealth } from "./disk-health.ts";
import { readByScsi, type ScsiData } from "./scsi-read.ts";

/** LOG SENSE (SPC-4 §6.8) of cumulative values. */
const logSense = 0x4d;
const cumulative = 0x40;
const logBytes = 512;

/** Log pages (SPC-4 §7.3, SBC-3 §6.4) and the parameter that is read of each: its first bytes, big-endian. */
const pages = {
  writeErrors: { page: 0x02, parameter: 0x0006 },
  readErrors: { page: 0x03, parameter: 0x0006 },
  temperature: { page: 0x0d, parameter: 0x0000 },
  solidState: { page: 0x11, parameter: 0x0001 },
  backgroundScan: { page: 0x15, parameter: 0x0000 },
  informational: { page: 0x2f, parameter: 0x0000 },
};
type Page = (typeof pages)[keyof typeof pages];

/** FAILURE PREDICTION THRESHOLD EXCEEDED, with many qualifiers. */
const predictionCode = 0x5d;
const unknownTemperature = 0xff;

function command({ page }: Page): readonly number[] {
  return [logSense, 0, cumulative | page, 0, 0, 0, 0, logBytes >> 8, logBytes & 0xff, 0];
}

/** The value of a page's parameter; undefined if the disk lacks page or parameter. */
function valueIn({ status, transport, data }: ScsiData, { page, parameter }: Page): Uint8Array | undefined {
  if (status !== 0 || transport !== 0 || ((data[0] ?? 0) & 0x3f) !== page) return undefined;
  const end = Math.min(data.length, 4 + uint16At(data, 2));
  for (let at = 4; at + 4 <= end; at += 4 + (data[at + 3] ?? 0))
    if (uint16At(data, at) === parameter) return data.subarray(at + 4, Math.min(end, at + 4 + (data[at + 3] ?? 0)));
  return undefined;
}

function numberIn(value: Uint8Array): number {
  return value.reduce((number, byte) => number * 256 + byte, 0);
}

/**
 * The health of a SCSI or SAS disk by its log pages; undefined if it has none of them, as a volume of a RAID controller.
 * Throws if the driver takes no commands.
 */
export function readScsiHealth(commands: Pick<DeviceCommands, "scsi">): DiskHealth | undefined {
  const ask = (page: Page) => valueIn(readByScsi(commands, command(page), logBytes), page);
  const informational = ask(pages.informational);
  const [temperature, used, scan] = [ask(pages.temperature), ask(pages.solidState), ask(pages.backgroundScan)];
  const celsius = temperature?.[1] ?? informational?.[2] ?? unknownTemperature;
  const [readErrors, writeErrors] = [ask(pages.readErrors), ask(pages.writeErrors)];
  const found = [informational, temperature, used, scan, readErrors, writeErrors];
  if (found.every((value) => value === undefined)) return undefined;
  const [code = 0, qualifier = 0] = informational ?? [];
  const sense = `0x${code.toString(16)}/0x${qualifier.toString(16).padStart(2, "0")}`;
  return {
    figures: {
      ...(celsius === unknownTemperature || celsius === 0 ? {} : { temperatureCelsius: celsius }),
      ...(used === undefined ? {} : { enduranceUsedPercent: used[3] ?? 0 }),
      ...(scan === undefined ? {} : { powerOnHours: Math.floor(numberIn(scan.subarray(0, 4)) / 60) }),
      ...(readErrors === undefined ? {} : { readErrors: numberIn(readErrors) }),
      ...(writeErrors === undefined ? {} : { writeErrors: numberIn(writeErrors) }),
    },
    failures: code === predictionCode ? [`it predicts its own failure (informational exception ${sense})`] : [],
  };
}
