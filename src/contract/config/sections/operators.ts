import * as v from "valibot";
import { type BlastRadius, longestWindowMs } from "../../../core/fleet/blast-radius.ts";
import { pinned } from "../../same.ts";
import { leaf, optional, withDefault } from "../entry.ts";
import { address, count, hostName, path, seconds, yesOrNo } from "../values.ts";

/** How operators' tools reach the server. */
export const operators = withDefault(
  v.strictObject({
    addresses: withDefault(
      v.array(address),
      ["0.0.0.0"],
      "Addresses on which the server offers the operators' API; with `[]`, only the Unix socket in the state directory.",
    ),
    names: withDefault(
      v.array(hostName),
      [],
      "Names of this server in the certificate that Birther's authority issues for it, besides its host name, localhost and its addresses.",
    ),
    certificate: optional(
      path,
      "A certificate of another authority to use instead (PEM, followed by its chain); Birther reads it again every day.",
    ),
    key: optional(path, "The private key of `certificate` (PEM)."),
  }),
  {},
  "How operators' tools on other machines reach this server.",
);

/** How many machines operators may send away at once. */
export const blastRadius = withDefault(
  v.strictObject({
    machines: withDefault(
      count("a whole number of machines", 1, 1_000_000),
      10,
      "Minimum number of machines per group: the limit of a group never falls below it.",
    ),
    percent: withDefault(
      count("a percentage", 0, 100),
      10,
      "Percentage of the group, if that is more than `machines`.",
    ),
    perSeconds: withDefault(seconds(1, longestWindowMs / 1000), 3600, "Length of the time window in seconds."),
  }),
  {},
  "How many machines of an owner group may be sent to rebirth or clean within a time window without `--override`. Machines without an owner group count as one group.",
);

pinned<BlastRadius>()(blastRadius);

/** The exports for other tools. */
export const exports = withDefault(
  v.strictObject({
    dominatorMdbFile: optional(
      path,
      "File with the healthy machines for the Dominator (its `-mdbFile`), replaced atomically at each change. Its directory must exist.",
    ),
    dominatorMdbByHttp: withDefault(
      yesOrNo,
      false,
      "Whether `GET /exports/dominator.json` on the plain HTTP port serves the same content, for mdbd's `json` driver. Any host on the networks can then read names and addresses.",
    ),
    updatesBy: optional(
      leaf("birther or dominator", v.picklist(["birther", "dominator"])),
      "Who updates the machines after their first image. `dominator`: the external Dominator that reads the export; Birther installs only the first image of a birth, " +
        "and neither the silence nor a restart of a machine after that is a fault. Without this key: `dominator` if one of the two keys above is set, otherwise `birther`.",
    ),
  }),
  {},
  "Exports of the fleet for other tools, besides the operators' API (docs/exports.md).",
);
