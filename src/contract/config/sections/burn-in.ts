import * as v from "valibot";
import type { BurnInProfile } from "../../../core/burn-in/profile.ts";
import { pinned } from "../../same.ts";
import { leaf, withDefault } from "../entry.ts";
import { count, seconds, wholeNumber } from "../values.ts";

const burnInDefaults: { readonly [K in keyof BurnInProfile]: readonly [number, string] } = {
  cpuSeconds: [60, "How long all CPUs compute and compare their results, in seconds."],
  memoryPercent: [80, "Share of the memory that is written and read back."],
  diskMiB: [
    1024,
    "Amount of data written to the root disk, read back and compared; the previous content is then restored. The other fixed disks are only read: this amount, at most 256 MiB of each.",
  ],
  networkMiB: [256, "Amount of data fetched from the server."],
  minCpuHashesPerSecond: [0, "Minimum rate of 4 KiB hashes per second over all CPUs; 0 means no minimum."],
  minMemoryMiBps: [0, "Minimum memory throughput; 0 means no minimum."],
  minDiskMiBps: [
    0,
    "Minimum disk throughput: of the root disk in writing and reading, of the other disks in reading; 0 means no minimum.",
  ],
  minNetworkMiBps: [0, "Minimum network throughput; 0 means no minimum."],
};
/** The watchdog's deadlines grow with these values; a test that lasts days is a mistake. */
const burnInBounds: { readonly [K in keyof BurnInProfile]?: ReturnType<typeof count> } = {
  cpuSeconds: seconds(0, 86_400),
  memoryPercent: count("a percentage", 0, 90),
  diskMiB: count("a whole number of mebibytes", 0, 65_536),
  networkMiB: count("a whole number of mebibytes", 0, 16_384),
};
const figure = (key: keyof BurnInProfile) =>
  withDefault(burnInBounds[key] ?? wholeNumber, burnInDefaults[key][0], burnInDefaults[key][1]);

/** What becomes of a machine whose figures are far below those of its siblings. */
export const suspectPolicies = ["note", "hold"] as const;

/** The tests before an installation. */
export const burnIn = withDefault(
  v.strictObject({
    cpuSeconds: figure("cpuSeconds"),
    memoryPercent: figure("memoryPercent"),
    diskMiB: figure("diskMiB"),
    networkMiB: figure("networkMiB"),
    minCpuHashesPerSecond: figure("minCpuHashesPerSecond"),
    minMemoryMiBps: figure("minMemoryMiBps"),
    minDiskMiBps: figure("minDiskMiBps"),
    minNetworkMiBps: figure("minNetworkMiBps"),
    suspects: withDefault(
      leaf("note or hold", v.picklist(suspectPolicies)),
      "note",
      "What becomes of a machine that passes with figures far below those of at least eight machines of the same model (a disk, the memory, the network, or less memory or fewer disks than they have): `note` puts it on the record, `hold` also stops its birth until an operator releases it. An image rule with `burnIn: suspect` can give it another image.",
    ),
  }),
  {},
  "How hard and how long a machine is tested before its installation, and the minimum results.",
);

pinned<BurnInProfile & { readonly suspects: (typeof suspectPolicies)[number] }>()(burnIn);
