import * as v from "valibot";
import { type BurnInAmounts, type BurnInProfile, burnInProfiles, plainBurnIn } from "../../../core/burn-in/profile.ts";
import { pinned } from "../../same.ts";
import { leaf, optional, withDefault } from "../entry.ts";
import { count, seconds, wholeNumber } from "../values.ts";

/** The names of the profiles. */
export const burnInProfileNames = Object.keys(burnInProfiles) as readonly (keyof typeof burnInProfiles)[];

/** The watchdog's deadlines grow with these values; a test that lasts days is a mistake. */
const amounts: {
  readonly [K in keyof BurnInAmounts]-?: readonly [bounds: ReturnType<typeof count>, description: string];
} = {
  cpuSeconds: [seconds(0, 86_400), "How long all CPUs compute and compare their results, in seconds."],
  memoryPercent: [count("a percentage", 0, 90), "Share of the memory that is written and read back."],
  memoryRounds: [
    count("a whole number of rounds", 1, 10_000),
    "How often: each round writes two patterns and reads them back, the next one other patterns.",
  ],
  memorySeconds: [
    seconds(0, 86_400),
    "Time for that, in seconds; a larger memory is tested in part, and the figure `testedMiB` says how much. 0 means no limit.",
  ],
  diskMiB: [
    count("a whole number of mebibytes", 0, 65_536),
    "Amount of data written to the root disk, read back and compared; the previous content is then restored. The other fixed disks are only read: this amount, and without a limit of time at most 256 MiB of each.",
  ],
  diskSeconds: [
    seconds(0, 86_400),
    "Time for all disks together, in seconds: half of it for the root disk, the other half shared by the others. 0 means no limit.",
  ],
  networkMiB: [count("a whole number of mebibytes", 0, 16_384), "Amount of data fetched from the server."],
  networkSeconds: [seconds(0, 86_400), "Time for that, in seconds. 0 means no limit."],
};

type Minimum = Exclude<keyof BurnInProfile, keyof BurnInAmounts>;
const minima: { readonly [K in Minimum]: string } = {
  minCpuHashesPerSecond: "Minimum rate of 4 KiB hashes per second over all CPUs; 0 means no minimum.",
  minMemoryMiBps: "Minimum memory throughput; 0 means no minimum.",
  minDiskMiBps:
    "Minimum disk throughput: of the root disk in writing and reading, of the other disks in reading; 0 means no minimum.",
  minNetworkMiBps: "Minimum network throughput; 0 means no minimum.",
};

/** A key whose default is the profile's. */
const amount = (key: keyof BurnInAmounts) => {
  const [bounds, description] = amounts[key];
  const named = burnInProfileNames.map((name) => `${name} ${burnInProfiles[name][key]}`).join(", ");
  return optional(bounds, `${description} By profile: ${named}; without one ${plainBurnIn[key]}.`);
};
const minimum = (key: Minimum) => withDefault(wholeNumber, 0, minima[key]);

/** What becomes of a machine whose figures are far from those of its siblings. */
export const suspectPolicies = ["note", "hold"] as const;

const section = v.strictObject({
  profile: optional(
    leaf(`one of ${burnInProfileNames.join(", ")}`, v.picklist(burnInProfileNames)),
    "How thorough the tests are: `quick` takes at most half a minute, `standard` at most 10 minutes, `long` about four hours. It gives the keys below their defaults; each can still be set. Without a profile a burn-in takes about two minutes, and longer with much memory.",
  ),
  cpuSeconds: amount("cpuSeconds"),
  memoryPercent: amount("memoryPercent"),
  memoryRounds: amount("memoryRounds"),
  memorySeconds: amount("memorySeconds"),
  diskMiB: amount("diskMiB"),
  diskSeconds: amount("diskSeconds"),
  networkMiB: amount("networkMiB"),
  networkSeconds: amount("networkSeconds"),
  minCpuHashesPerSecond: minimum("minCpuHashesPerSecond"),
  minMemoryMiBps: minimum("minMemoryMiBps"),
  minDiskMiBps: minimum("minDiskMiBps"),
  minNetworkMiBps: minimum("minNetworkMiBps"),
  suspects: withDefault(
    leaf("note or hold", v.picklist(suspectPolicies)),
    "note",
    "What becomes of a machine that passes with figures far from those of at least eight machines of the same model (a disk, the memory, the network, or less memory or fewer disks than they have): `note` puts it on the record, `hold` also stops its birth until an operator releases it. An image rule with `burnIn: suspect` can give it another image.",
  ),
});

/** The tests before an installation. */
export const burnIn = withDefault(
  v.pipe(
    section,
    v.transform(({ profile, ...set }) => ({
      ...(profile === undefined ? plainBurnIn : burnInProfiles[profile]),
      ...set,
    })),
  ),
  {},
  "How hard and how long a machine is tested before its installation, and the minimum results.",
);

pinned<Required<BurnInProfile> & { readonly suspects: (typeof suspectPolicies)[number] }>()(burnIn);
