/**
 * The configuration file: one YAML document. Its type, its checks and its documentation all come from this schema:
 * `parse.ts` checks a file against it, and `docs.ts` writes docs/configuration.md from it.
 */
import * as v from "valibot";
import type { BurnInProfile } from "../../core/burn-in/profile.ts";
import type { BlastRadius } from "../../core/fleet/blast-radius.ts";
import { longestWindowMs } from "../../core/fleet/blast-radius.ts";
import type { StoragePolicy } from "../../core/install/storage-policy.ts";
import { defaultDeadlineSeconds, phaseWaitsFor } from "../../core/machine/health/deadlines.ts";
import type { RepairPolicy } from "../../core/machine/health/repair.ts";
import { defaultWatchRules } from "../../core/machine/health/stall-detection.ts";
import { type Phase, phases } from "../../core/machine/record.ts";
import { type Ipv4, type Prefix, parseIpv4, parsePrefix } from "../../core/net/ipv4.ts";
import type { Network } from "../../core/network/network.ts";
import { defaultMaxMachines, defaultNewMachinesPerMinute } from "../../core/network/newcomer-limit.ts";
import { defaultRequestsPerMinute } from "../../core/network/request-rate.ts";
import type { PlacementRule } from "../../core/site/placement.ts";
import { imageConditions, imageRule } from "../machine-facing.ts";
import { pinned } from "../same.ts";

/** The schema with a text added that checks and changes nothing, so that its type stays. */
function noted<const T extends v.GenericSchema>(schema: T, note: Note): T;
function noted(schema: v.GenericSchema, note: Note): v.GenericSchema {
  return v.pipe(schema, note);
}
type Note = v.MetadataAction<unknown, { readonly expected: string }> | v.DescriptionAction<unknown, string>;

/** Names the value that a leaf expects, as a refusal and the documentation name it. */
function leaf<const T extends v.GenericSchema>(expected: string, schema: T): T {
  return noted(schema, v.metadata({ expected }));
}

/** A key that the file must have. */
function required<const T extends v.GenericSchema>(schema: T, description: string): T {
  return noted(schema, v.description(description));
}

/** A key with a default. */
function withDefault<const T extends v.GenericSchema>(
  schema: T,
  fallback: v.InferInput<NoInfer<T>>,
  description: string,
): v.OptionalSchema<T, () => never> {
  return required(
    v.optional(schema, () => fallback as never),
    description,
  );
}

/** A key that may be missing. */
function optional<const T extends v.GenericSchema>(
  schema: T,
  description: string,
): v.ExactOptionalSchema<T, undefined> {
  return required(v.exactOptional(schema), description);
}

/** A list that must not be empty. */
function listOf<const T extends v.GenericSchema>(item: T): v.ArraySchema<T, undefined>;
function listOf(item: v.GenericSchema): v.ArraySchema<v.GenericSchema, undefined> {
  return v.pipe(v.array(item), v.minLength(1));
}

const text = leaf("text", v.pipe(v.string(), v.nonEmpty(), v.maxLength(1024)));
const shortName = leaf(
  "a name of at most 32 letters, digits, - and _",
  v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,32}$/)),
);
const yesOrNo = leaf("true or false", v.boolean());
const path = leaf("an absolute path", v.pipe(v.string(), v.startsWith("/"), v.maxLength(200)));
const interfaceName = leaf(
  "the name of a network interface, at most 15 characters",
  v.pipe(v.string(), v.regex(/^[^\s/]{1,15}$/)),
);
const count = (expected: string, least: number, most: number) =>
  leaf(`${expected}, ${least} to ${most}`, v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most)));
const seconds = (least: number, most: number) => count("a whole number of seconds", least, most);
const mebibytes = (least: number) => count("a whole number of mebibytes", least, 1_048_576);
const hostName = leaf(
  "a host name such as birther.example.org",
  v.pipe(v.string(), v.regex(/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i)),
);
const wholeNumber = leaf("a whole number, 0 or more", v.pipe(v.number(), v.integer(), v.minValue(0)));
const port = count("a TCP port", 1, 65_535);
// Interfaces, because declarations can name these and not the brand inside Ipv4.
interface AddressSchema extends v.GenericSchema<string, Ipv4> {}
interface PrefixSchema extends v.GenericSchema<string, Prefix> {}
const address: AddressSchema = leaf(
  "an IPv4 address such as 10.77.0.1",
  v.pipe(
    v.string(),
    v.check((given) => parseIpv4(given) !== undefined),
    v.transform((given) => parseIpv4(given) as Ipv4),
  ),
);
const prefix: PrefixSchema = leaf(
  "an IPv4 prefix such as 10.77.0.0/24, without host bits, /8 to /30",
  v.pipe(
    v.string(),
    v.check((given) => isPrefix(given)),
    v.transform((given) => parsePrefix(given) as Prefix),
  ),
);

function isPrefix(given: string): boolean {
  const parsed = parsePrefix(given);
  return (
    parsed !== undefined &&
    parsed.length >= 8 &&
    parsed.length <= 30 &&
    parseIpv4(given.split("/")[0] ?? "") === parsed.address
  );
}

const network = v.strictObject({
  name: required(shortName, "Name of the network in records and logs."),
  interface: optional(
    interfaceName,
    "The interface that connects the server to this network. Birther listens on no other interface. A network has either this key or `relay`.",
  ),
  relay: optional(
    v.strictObject({
      gateway: required(
        address,
        "Gateway through which machines reach the server while they have a temporary address.",
      ),
      agents: withDefault(
        v.array(address),
        [],
        "Addresses of relay agents (giaddr) that are outside this network. List neither agents inside it nor agents that send the link selection sub-option (RFC 3527).",
      ),
    }),
    "A network without an interface of the server: relay agents (a router's DHCP helper) forward its requests to `serverAddress`.",
  ),
  serverAddress: required(
    address,
    "The server's address: DHCP server identifier, TFTP, HTTP and MDB. It must be on `interface`; for a relayed network, any address that its machines and relay agents can reach.",
  ),
  prefix: required(prefix, "The prefix of the temporary addresses."),
  temporaryPool: required(
    v.strictObject({
      first: required(address, "The first address of the pool."),
      last: required(address, "The last address of the pool."),
    }),
    "Addresses for machines that have no permanent address yet.",
  ),
  nursery: withDefault(
    yesOrNo,
    false,
    "Whether unknown machines are born on this network. On other networks they are recorded and sent to their local disk, which is not touched.",
  ),
  freshRack: withDefault(
    yesOrNo,
    false,
    "Whether the disks of new machines here hold nothing of value. `false`: a machine that the MDB has never seen and whose disks hold " +
      "a file system, RAID, a volume or a partition table is put on hold, and `birther release NAME --wipe` lets it be born. `true`: it is born at once.",
  ),
  maxNewMachinesPerMinute: withDefault(
    count("a whole number of machines", 1, 1_000_000),
    defaultNewMachinesPerMinute,
    "Maximum number of unknown machines accepted per minute; they may all arrive at once. Further unknown machines are ignored, and the log says so. The limit exists because any host on the network can invent MAC addresses. Known machines are always served.",
  ),
  secureBoot: withDefault(
    yesOrNo,
    false,
    "Whether UEFI machines on this network get Debian's signed chain (shim, GRUB, kernel) instead of iPXE, which no firmware trusts under Secure Boot. " +
      "A DHCP request does not say whether a machine enforces Secure Boot; the signed chain also starts machines that do not. x64 only. " +
      "Births on this network install the signed shim and GRUB on the disk, too, so the system image needs a signed kernel (Debian's kernel is signed).",
  ),
  mode: withDefault(
    leaf("full, proxy or listen", v.picklist(["full", "proxy", "listen"])),
    "full",
    "`full`: Birther leases the addresses. `proxy`: another DHCP server leases the addresses, and Birther adds the boot file (ProxyDHCP, ports 67 and 4011); " +
      "`prefix` and `temporaryPool` then describe the leases of that server. `listen`: Birther answers nothing, no machine is born, and the log shows the answers that `full` would give.",
  ),
  allowForeignDhcp: withDefault(
    yesOrNo,
    false,
    "Whether Birther keeps serving a network in mode `full` after it has detected another DHCP server there.",
  ),
  permanent: optional(
    v.strictObject({
      prefix: required(prefix, "The prefix of the permanent addresses."),
      serverAddress: required(
        address,
        "The server's address on the permanent network, which machines use after their birth.",
      ),
      gateway: optional(address, "Default gateway of the machines."),
      nameservers: withDefault(v.array(address), [], "Name servers of the machines."),
    }),
    "The network of machines after their birth, on the same cable. Without this section, machines stay in `prefix`.",
  ),
});

/** As init reads it, but a key with a typing error is refused. */
const strictImageRule = v.strictObject({
  ...imageRule.entries,
  when: v.optional(v.strictObject(imageConditions.entries), {}),
});

const placementRule = v.strictObject({
  switch: required(
    text,
    "Regular expression that must match the whole LLDP system name of the switch. Its named groups are part of the position.",
  ),
  port: required(
    text,
    "Regular expression that must match the whole LLDP port name. Its named groups are part of the position, too.",
  ),
  hostname: required(
    text,
    "Template of the hostname: `{rack}` is the text of a group, `{rack:2}` the same text padded with zeros to two digits.",
  ),
  address: required(
    v.strictObject({
      first: required(
        leaf("an IPv4 address such as 10.77.1.0", v.pipe(v.string(), v.ipv4())),
        "The first address, from which the others are counted.",
      ),
      step: required(
        v.record(v.string(), leaf("a whole number of addresses", v.pipe(v.number(), v.integer(), v.minValue(0)))),
        "Addresses to advance for each number of a group, such as `{ rack: 64, unit: 1 }`.",
      ),
    }),
    "The permanent address: `first + Σ group × step`.",
  ),
});

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

const webAddress = leaf(
  "an http:// or https:// URL",
  v.pipe(v.string(), v.url(), v.regex(/^https?:\/\//), v.maxLength(1024)),
);
const deadline = (phase: Phase) =>
  withDefault(
    seconds(10, 2_592_000),
    defaultDeadlineSeconds[phase],
    `Time limit in seconds until ${phaseWaitsFor[phase].missing}.`,
  );
const deadlineEntries = Object.fromEntries(phases.map((phase) => [phase, deadline(phase)])) as {
  readonly [P in Phase]: ReturnType<typeof deadline>;
};

/** The schema of the whole file. */
export const configSchema = v.strictObject({
  stateDirectory: withDefault(
    path,
    "/var/lib/birther",
    "Directory of all persistent data: the MDB, the certificate authority, images and the operators' socket.",
  ),
  networks: required(leaf("at least one network", listOf(network)), "The networks that machines boot from."),
  database: optional(
    leaf(
      "a PostgreSQL database as postgres://USER@HOST/DATABASE",
      v.pipe(v.string(), v.regex(/^postgres(ql)?:\/\/[^/?#]*\/[^/?#]+/), v.maxLength(1024)),
    ),
    "The PostgreSQL database that holds the MDB; several servers may share it. Without this key, the MDB is an SQLite database in `stateDirectory`. " +
      "To name several hosts, write `postgres://USER@ONE,TWO/DATABASE`: Birther uses the primary. " +
      "Keep the password out of this file: Birther reads PGPASSWORD, PGPASSFILE and ~/.pgpass as psql does.",
  ),
  ports: withDefault(
    v.strictObject({
      http: withDefault(
        port,
        80,
        "Plain HTTP: boot scripts, kernel, initramfs, image objects (each verified by its hash).",
      ),
      machines: withDefault(port, 443, "TLS: requests of init and agents to the MDB."),
      operators: withDefault(port, 8443, "TLS: the operators' API; callers need a token (`birther tokens create`)."),
    }),
    {},
    "TCP ports of the servers. The ports of DHCP, TFTP and PXE are fixed by their standards.",
  ),
  operators: withDefault(
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
  ),
  blastRadius: withDefault(
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
  ),
  maxMachines: withDefault(
    count("a whole number of machines", 1, 10_000_000),
    defaultMaxMachines,
    "Maximum number of machines in the MDB. Once this limit is reached, unknown machines are ignored, and the log says so. An operator can always announce further machines.",
  ),
  maxRequestsPerMinute: withDefault(
    count("a whole number of requests", 60, 1_000_000),
    defaultRequestsPerMinute,
    "Maximum number of requests per minute that one address may send to the ports of machines (`ports.http` and `ports.machines` together); they may all arrive at once. Further requests are answered with 429 and Retry-After, which init and the agent respect. A birth needs about a hundred requests. Raise the limit where many machines share an address.",
  ),
  uplinkMbps: optional(
    count("a whole number of megabits per second", 1, 1_000_000),
    "Bandwidth of this server's uplink that boot images may use. Once it is used up, further machines wait in a queue; `birther show` prints their position. Without this key there is no queue.",
  ),
  placement: withDefault(
    v.strictObject({
      lldpSeconds: withDefault(
        seconds(1, 600),
        40,
        "How long a machine waits for an LLDP frame from its switch, in seconds (switches send one every 30 s).",
      ),
      rules: withDefault(v.array(placementRule), [], "Placement rules, tried in order; the first match wins."),
    }),
    {},
    "Derives the hostname and the permanent address of a machine from its switch port.",
  ),
  images: withDefault(
    leaf("a list of image rules", listOf(strictImageRule)),
    [{ image: "debug", when: { burnIn: "failed" } }, { image: "compute" }],
    "Which system image a machine gets: rules tried in order; the first rule whose conditions all hold wins. " +
      "`image` names a stream such as `compute`, whose current version the machine gets and follows, or one version such as `compute/3`. " +
      "Conditions under `when`: `burnIn: passed|failed`, `minCpus`, `minMemoryMiB`, `minStorageGiB`, `minDisks`, `firmware: bios|uefi`, `product` (regular expression that must match the whole SMBIOS product name).",
  ),
  burnIn: withDefault(
    v.strictObject({
      cpuSeconds: figure("cpuSeconds"),
      memoryPercent: figure("memoryPercent"),
      diskMiB: figure("diskMiB"),
      networkMiB: figure("networkMiB"),
      minCpuHashesPerSecond: figure("minCpuHashesPerSecond"),
      minMemoryMiBps: figure("minMemoryMiBps"),
      minDiskMiBps: figure("minDiskMiBps"),
      minNetworkMiBps: figure("minNetworkMiBps"),
    }),
    {},
    "How hard and how long a machine is tested before its installation, and the minimum results.",
  ),
  storage: withDefault(
    v.strictObject({
      allowUnencrypted: withDefault(
        yesOrNo,
        false,
        "Whether a machine that cannot keep a disk key (neither UEFI nor TPM) is installed without disk encryption. Its record says so.",
      ),
      minRootDiskMiB: withDefault(mebibytes(512), 8192, "Minimum size of the root disk."),
      espMiB: withDefault(mebibytes(33), 256, "Size of the EFI system partition."),
      bootMiB: withDefault(mebibytes(128), 1024, "Size of /boot."),
    }),
    {},
    "How disks are chosen, partitioned and encrypted.",
  ),
  watch: withDefault(
    v.strictObject({
      deadlines: withDefault(
        v.strictObject(deadlineEntries),
        {},
        "How many seconds a machine may stay in each phase before it is *failing* (docs/machine-life.md).",
      ),
      boots: withDefault(
        count("a whole number of starts", 2, 100),
        defaultWatchRules.boots,
        "A machine that starts this many times during its installation without progress is *failing*.",
      ),
      bootsWithinSeconds: withDefault(
        seconds(60, 604_800),
        defaultWatchRules.bootsWithinSeconds,
        "Time window for `boots`, in seconds.",
      ),
      burnInAttempts: withDefault(
        count("a whole number of starts", 2, 100),
        defaultWatchRules.burnInAttempts,
        "A machine whose init starts this many times without completing a burn-in is *failing*.",
      ),
      webhooks: withDefault(
        leaf(
          "a list of at most 8 webhooks",
          v.pipe(
            v.array(
              v.strictObject({
                url: required(webAddress, "URL to which events are sent as JSON (POST)."),
                secretFile: required(
                  path,
                  "File with the secret that signs the requests, such as `whsec_` and 32 bytes in Base64 (docs/webhooks.md).",
                ),
              }),
            ),
            v.maxLength(8),
          ),
        ),
        [],
        "Receivers of a notification when a machine is *failing*, has recovered, is in *conflict*, is on *hold*, or becomes healthy.",
      ),
      repair: optional(
        v.strictObject({
          afterSeconds: withDefault(
            seconds(300, 604_800),
            1800,
            "How long a machine must be *failing* before the first repair step, and between steps, in seconds.",
          ),
          rebirths: withDefault(
            count("a whole number of rebirths", 0, 16),
            2,
            "Maximum number of rebirths of one machine within `withinSeconds`.",
          ),
          withinSeconds: withDefault(seconds(3600, 2_592_000), 86_400, "Time window for `rebirths`, in seconds."),
          rebirthsPerHour: withDefault(
            count("a whole number of rebirths", 1, 10_000),
            5,
            "Maximum number of rebirths in the whole fleet per hour.",
          ),
        }),
        "Automatic repair of machines that keep failing: rebirth within this budget, then *debug*, then *hold*. A healthy machine is sent to rebirth only if it restarts repeatedly and its agent is silent; the rebirth **erases its root disk**. Without this section, nothing is repaired automatically.",
      ),
    }),
    {},
    "How stalled machines are detected, reported and repaired.",
  ),
  exports: withDefault(
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
  ),
  retrySeconds: withDefault(
    seconds(1, 86_400),
    30,
    "How long a machine waits before it restarts after a failed birth, in seconds.",
  ),
  orderSeconds: withDefault(
    seconds(60, 86_400),
    900,
    "How long the token in a boot script is valid, in seconds: from the creation of the script until init requests its order.",
  ),
});

// Where core or the wire have a type for a section, it is that type and no other.
pinned<Network>()(network);
pinned<PlacementRule>()(placementRule);
pinned<BurnInProfile>()(configSchema.entries.burnIn);
pinned<StoragePolicy>()(configSchema.entries.storage);
pinned<BlastRadius>()(configSchema.entries.blastRadius);
pinned<RepairPolicy>()(configSchema.entries.watch.wrapped.entries.repair);

/** The checked configuration with all defaults filled in. */
export type Config = v.InferOutput<typeof configSchema>;
/** The content of the file before defaults are filled in. */
export type ConfigInput = v.InferInput<typeof configSchema>;
