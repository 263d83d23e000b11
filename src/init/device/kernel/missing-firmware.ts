import type { Hardware } from "../../../core/hardware/hardware.ts";
import { missingFirmware, readFirmwareIndex } from "../../../core/hardware/missing-firmware.ts";
import { readTextIfThere } from "../../system/files.ts";
import { kernelRelease } from "../../system/kernel-release.ts";
import { systemTree } from "../tree.ts";
import { openKernelLog } from "./kernel-log.ts";

/** The hardware with the network cards that lack firmware, as the image's index and the kernel's log name them. */
export function withMissingFirmware(hardware: Hardware): Hardware {
  const index = readFirmwareIndex(readTextIfThere(`/lib/modules/${kernelRelease()}/modules.firmware`) ?? "");
  const devices = (hardware.pciDevices ?? [])
    .filter(({ driver }) => driver === "")
    .map((device) => ({
      ...device,
      modalias: systemTree.text(`/sys/bus/pci/devices/${device.address}/modalias`).trim(),
    }));
  const log = openKernelLog();
  const kernelLines = log.take().map(({ text }) => text);
  log.close();
  const missing = missingFirmware(index, { devices, kernelLines });
  return missing.length === 0 ? hardware : { ...hardware, missingFirmware: missing };
}
