import { plainText } from "../bytes/plain-text.ts";
import { type Aliases, modulesFor, readAliases } from "./drivers.ts";
import type { MissingFirmware, PciDevice } from "./hardware.ts";

/** What the image says of firmware families that are not in it: see `firmwareIndex`. */
export type FirmwareIndex = {
  /** The devices of drivers that the image omits; the module of an alias is the family. */
  readonly aliases: Aliases;
  /** The family of each firmware file that the image omits. */
  readonly files: ReadonlyMap<string, string>;
  /** The family of each driver that the image has and whose files it omits. */
  readonly drivers: ReadonlyMap<string, string>;
};

/** Reads the index: lines `alias PATTERN FAMILY`, `file NAME FAMILY` and `driver MODULE FAMILY`. */
export function readFirmwareIndex(text: string): FirmwareIndex {
  const files = new Map<string, string>();
  const drivers = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [word, name, family] = line.split(" ");
    if (name === undefined || family === undefined) continue;
    if (word === "file") files.set(name, family);
    if (word === "driver") drivers.set(name, family);
  }
  return { aliases: readAliases(text), files, drivers };
}

/** A request for a firmware file that failed. */
type FailedRequest = { readonly driver: string; readonly device: string; readonly file: string };

/**
 * A line of the kernel's log that says so: `bnx2x 0000:01:00.0: Direct firmware load for NAME failed with error -2`
 * (drivers/base/firmware_loader/main.c), and with Debian's patch `…: firmware: failed to load NAME (-2)`.
 */
export function failedRequest(line: string): FailedRequest | undefined {
  const [, driver, device, of, also] =
    /(?:^|\s)([\w-]+) ([\w:.-]+): (?:Direct firmware load for (\S+) failed|firmware: failed to load (\S+) \()/.exec(
      line,
    ) ?? [];
  const file = of ?? also;
  return driver === undefined || device === undefined || file === undefined ? undefined : { driver, device, file };
}

/** Devices and families of a report: a machine with more has the first ones on its record. */
const mostReported = 32;

/**
 * The network cards that lack firmware, each with the family that brings it: devices without a driver that a driver of a
 * left-out family claims, and requests in the kernel's log that failed.
 */
export function missingFirmware(
  index: FirmwareIndex,
  seen: {
    readonly devices: readonly (Pick<PciDevice, "address" | "id" | "driver"> & { readonly modalias: string })[];
    /** The kernel's log; only lines of failed requests matter. */
    readonly kernelLines: readonly string[];
  },
): readonly MissingFirmware[] {
  const found = new Map<string, MissingFirmware>();
  for (const { address, id, driver, modalias } of seen.devices) {
    const [family] = driver === "" ? modulesFor(modalias, index.aliases) : [];
    if (family !== undefined) found.set(address, { device: `${id} at ${address}`, family });
  }
  for (const line of seen.kernelLines) {
    const request = failedRequest(line);
    if (request === undefined || found.has(request.device)) continue;
    const { driver, device, file } = request;
    const family = index.files.get(file) ?? index.drivers.get(driver.replace(/-/g, "_"));
    if (family !== undefined)
      found.set(device, { device: plainText(`${driver} ${device}`), family, file: plainText(file.slice(0, 200)) });
  }
  return [...found.values()].slice(0, mostReported);
}

/** What is missing and what to do, in one clause each. */
export function describeMissingFirmware({ device, family, file }: MissingFirmware): string {
  const what = file === undefined ? "a driver and firmware" : `firmware (${file})`;
  return `NIC ${device} needs ${what} that the Bootstrap Image lacks: add ${family} to bootstrapImage.firmware`;
}
