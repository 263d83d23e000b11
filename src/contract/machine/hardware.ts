/** What init finds in a machine. */
import * as v from "valibot";
import { bootTrusts, type Hardware } from "../../core/hardware/hardware.ts";
import { namedArchitectures } from "../../core/machine/architecture.ts";
import { parseMac } from "../../core/net/mac.ts";
import { count, name, partsLimit } from "../bounded-values.ts";
import { pinned, pinnedShape } from "../same.ts";

const disk = v.object({
  path: name,
  model: name,
  serial: name,
  wwn: name,
  sizeBytes: count,
  rotational: v.boolean(),
  removable: v.boolean(),
  sectorBytes: v.exactOptional(count),
  biosDrive: v.exactOptional(count),
  unlistedByBios: v.exactOptional(v.literal(true)),
  unseenByUefi: v.exactOptional(v.literal(true)),
  bus: name,
  transport: v.exactOptional(name),
  devicePath: v.exactOptional(name),
  otherPaths: v.exactOptional(v.pipe(v.array(name), v.maxLength(partsLimit))),
  virtualMedia: v.exactOptional(v.literal(true)),
  contents: v.exactOptional(v.pipe(v.array(name), v.maxLength(64))),
});

const nic = v.object({
  name: name,
  mac: name,
  driver: name,
  speedMbps: count,
  carrier: v.boolean(),
  path: name,
});

/**
 * A scan as init sends it and as operators read it: some interfaces have an address that is not a MAC address
 * (InfiniBand's has 20 bytes).
 */
export const scan = v.object({
  architecture: v.exactOptional(v.picklist(namedArchitectures)),
  cpus: count,
  cpuModel: name,
  memoryMiB: count,
  disks: v.pipe(v.array(disk), v.maxLength(partsLimit)),
  nics: v.pipe(v.array(nic), v.maxLength(partsLimit)),
  firmware: v.picklist(["bios", "uefi"]),
  secureBoot: v.boolean(),
  bootTrust: v.exactOptional(v.picklist(bootTrusts)),
  tpm: v.boolean(),
  watchdog: name,
  smbios: v.object({ vendor: name, product: name, serial: name, uuid: name }),
  chassis: v.exactOptional(v.object({ serial: name, slot: name })),
  pciDevices: v.exactOptional(
    v.pipe(
      v.array(v.object({ address: name, id: name, class: name, driver: name })),
      v.maxLength(partsLimit),
      v.readonly(),
    ),
  ),
  sizelessDisks: v.exactOptional(v.pipe(v.array(name), v.maxLength(partsLimit), v.readonly())),
  missingFirmware: v.exactOptional(
    v.pipe(
      v.array(v.object({ device: name, family: name, file: v.exactOptional(name) })),
      v.maxLength(partsLimit),
      v.readonly(),
    ),
  ),
});

/** A scan as the server accepts it: without interfaces whose address is not a MAC address. */
export const hardware = v.pipe(
  scan,
  v.transform((given) => {
    const nics = given.nics.flatMap((nic) => {
      const mac = parseMac(nic.mac);
      return mac === undefined ? [] : [{ ...nic, mac }];
    });
    return { ...given, nics };
  }),
);

pinnedShape<Hardware>()(scan);
pinned<Hardware>()(hardware);
