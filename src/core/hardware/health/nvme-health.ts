import { unsignedAt } from "../../bytes/little-endian.ts";
import { type DeviceCommands, readNvmeLog } from "../device-commands.ts";
import { type DiskHealth, healthCommandMs } from "./disk-health.ts";

/** SMART / Health Information (NVM Express Base Specification 2.0, §5.16.1.3). */
const healthLog = { page: 0x02, bytes: 512 };

/** The bits of the critical warning (Figure 207). */
const warnings = [
  "its spare capacity has fallen below its threshold",
  "its temperature is outside its limits",
  "its reliability is degraded by media or internal errors",
  "it has become read-only",
  "its volatile memory backup has failed",
  "its persistent memory region has become unreliable",
];

/** Temperatures are in kelvins; 0 is unknown. */
const zeroCelsius = 273;

/** The health of an NVMe disk. Throws if the controller refuses its log. */
export function readNvmeHealth(commands: Pick<DeviceCommands, "nvme">): DiskHealth {
  const { status, log } = readNvmeLog(commands, healthLog, healthCommandMs);
  if (status !== 0) throw new Error(`log page ${healthLog.page}: status 0x${status.toString(16)}`);
  const warning = unsignedAt(log, 0, 1);
  const kelvins = unsignedAt(log, 1, 2);
  return {
    figures: {
      criticalWarning: warning,
      ...(kelvins === 0 ? {} : { temperatureCelsius: kelvins - zeroCelsius }),
      spareAvailablePercent: unsignedAt(log, 3, 1),
      enduranceUsedPercent: unsignedAt(log, 5, 1),
      powerOnHours: unsignedAt(log, 128, 16),
      mediaErrors: unsignedAt(log, 160, 16),
    },
    failures: warnings.flatMap((text, bit) =>
      (warning >> bit) % 2 === 1 ? [`critical warning 0x${warning.toString(16).padStart(2, "0")}: ${text}`] : [],
    ),
  };
}
