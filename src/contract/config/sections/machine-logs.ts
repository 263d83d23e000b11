import * as v from "valibot";
import { withDefault } from "../entry.ts";
import { count } from "../values.ts";

/** How much of what machines say is kept. */
export const machineLogs = withDefault(
  v.strictObject({
    perMachineKiB: withDefault(
      count("a whole number of kibibytes", 16, 1_048_576),
      256,
      "Of one machine, the latest lines: a birth has about 10 KiB of init's, and up to 400 messages of the kernel with each report.",
    ),
    totalMiB: withDefault(
      count("a whole number of mebibytes", 1, 1_048_576),
      1024,
      "Of all machines together. Beyond it, the machine that has been silent for longest loses its lines.",
    ),
    udpPort: withDefault(
      count("a UDP port", 0, 65_535),
      514,
      "Where init sends its lines and the kernel's before TLS is up (syslog, RFC 5424); they are marked as unverified. 0: nowhere.",
    ),
  }),
  {},
  "The log lines of init and of agents, on disk in `stateDirectory/logs`; `birther log` prints them.",
);
