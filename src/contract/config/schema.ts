/**
 * The configuration file: one YAML document. This schema is type, check and documentation in one:
 * `config-check.ts` refuses by it, `config-docs.ts` writes docs/configuration.md from it.
 */
import * as v from "valibot";
import { defaultDeadlineSeconds, phaseWaitsFor } from "../../core/machine/health/deadlines.ts";
import { defaultWatchRules } from "../../core/machine/health/stall-detection.ts";
import { type Phase, phases } from "../../core/machine/record.ts";
import { type Ipv4, type Prefix, parseIpv4, parsePrefix } from "../../core/net/ipv4.ts";
import { defaultMaxMachines, defaultNewMachinesPerMinute } from "../../core/network/newcomer-limit.ts";
import { type BurnInProfile, imageRule } from "../machine-facing.ts";

/** What a leaf means, in the words in which a refusal and the documentation say it. */
export type Meant = { readonly meant: string };

/** Names what a leaf means. Like the ones below it adds words only, so the schema's type stays what it was. */
function leaf<const T extends v.GenericSchema>(meant: string, schema: T): T {
  return v.pipe(schema, v.metadata({ meant } satisfies Meant)) as unknown as T;
}

/** A key that must be there. */
function needed<const T extends v.GenericSchema>(schema: T, description: string): T {
  return v.pipe(schema, v.description(description)) as unknown as T;
}

/** A key with a default. */
function withDefault<const T extends v.GenericSchema>(
  schema: T,
  fallback: v.InferInput<NoInfer<T>>,
  description: string,
): v.OptionalSchema<T, () => never> {
  return needed(
    v.optional(schema, () => fallback as never),
    description,
  );
}

/** A key that may be missing. */
function maybe<const T extends v.GenericSchema>(schema: T, description: string): v.ExactOptionalSchema<T, undefined> {
  return needed(v.exactOptional(schema), description);
}

/** A list that may not be empty. */
function listOf<const T extends v.GenericSchema>(item: T): v.ArraySchema<T, undefined> {
  return v.pipe(v.array(item), v.minLength(1)) as unknown as v.ArraySchema<T, undefined>;
}

const text = leaf("text", v.pipe(v.string(), v.nonEmpty(), v.maxLength(1024)));
const word = leaf("a short name: letters, digits, - and _", v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,32}$/)));
const yesOrNo = leaf("true or false", v.boolean());
const path = leaf("an absolute path", v.pipe(v.string(), v.startsWith("/"), v.maxLength(200)));
const interfaceName = leaf(
  "the name of a network interface, at most 15 characters",
  v.pipe(v.string(), v.regex(/^[^\s/]{1,15}$/)),
);
const count = (meant: string, least: number, most: number) =>
  leaf(`${meant}, ${least} to ${most}`, v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most)));
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
  name: needed(word, "What the network is called in records and logs."),
  interface: maybe(
    interfaceName,
    "The interface on which its machines are heard; only this one is listened on. A network has either this or `relay`.",
  ),
  relay: maybe(
    v.strictObject({
      gateway: needed(address, "The machines' way to us while they have a temporary address."),
      agents: withDefault(
        v.array(address),
        [],
        "Addresses of relay agents (giaddr) that lie outside of the network. One inside it, or a relay that selects the link (RFC 3527), needs no mention.",
      ),
    }),
    "Where we have no interface: relay agents (a router's DHCP helper) bring its requests to `serverAddress`.",
  ),
  serverAddress: needed(
    address,
    "Our own address: DHCP server identifier, TFTP, HTTP and MDB. On that interface; for a relayed network any that its machines and relays can reach.",
  ),
  prefix: needed(prefix, "The network of the temporary addresses."),
  temporaryPool: needed(
    v.strictObject({
      first: needed(address, "The first address of the pool."),
      last: needed(address, "The last address of the pool."),
    }),
    "Addresses for machines that have no permanent one (yet).",
  ),
  nursery: withDefault(
    yesOrNo,
    false,
    "Whether unknown machines are born here. Elsewhere they are recorded and told to boot locally: no disk is touched.",
  ),
  maxNewMachinesPerMinute: withDefault(
    count("a whole number of machines", 1, 1_000_000),
    defaultNewMachinesPerMinute,
    "How many unknown machines are taken in per minute, at once if need be; beyond it they are not answered, and the log says so. Anybody on the wire can invent machines; those that are known are always served.",
  ),
  secureBoot: withDefault(
    yesOrNo,
    false,
    "Whether UEFI machines here are sent Debian's signed chain (shim, GRUB, kernel) instead of iPXE, which no firmware trusts under Secure Boot. " +
      "A DHCP request does not tell whether a machine enforces Secure Boot; the signed chain also starts those that do not. x64 only. " +
      "Births here put the signed shim and GRUB on the disk, too, so a system image needs a signed kernel (Debian's is).",
  ),
  mode: withDefault(
    leaf("full, proxy or listen", v.picklist(["full", "proxy", "listen"])),
    "full",
    "`full`: we lease the addresses. `proxy`: another DHCP server does, and we name the boot file beside it (ProxyDHCP, ports 67 and 4011); " +
      "`prefix` and `temporaryPool` are then what that server leases. `listen`: nothing is answered and nothing is born; the log tells what would have been answered.",
  ),
  allowForeignDhcp: withDefault(
    yesOrNo,
    false,
    "Whether a network in mode `full` is served although another DHCP server was heard on it.",
  ),
  permanent: maybe(
    v.strictObject({
      prefix: needed(prefix, "The network of the permanent addresses."),
      serverAddress: needed(address, "Our own address there, which the machines use after their birth."),
      gateway: maybe(address, "Default gateway of the machines."),
      nameservers: withDefault(v.array(address), [], "Name servers of the machines."),
    }),
    "Where the machines live after their birth, on the same cable. Without it: in `prefix` itself.",
  ),
});
/** One network that machines boot on. */
export type Network = v.InferOutput<typeof network>;

const placementRule = v.strictObject({
  switch: needed(text, "Regular expression over the whole system name in LLDP; its named groups are the position."),
  port: needed(text, "Regular expression over the whole port name; its named groups are the position, too."),
  hostname: needed(text, "Template: `{rack}` is a group's text, `{rack:2}` the same padded with zeros to two digits."),
  address: needed(
    v.strictObject({
      first: needed(
        leaf("an IPv4 address such as 10.77.1.0", v.pipe(v.string(), v.ipv4())),
        "What counting begins at.",
      ),
      step: needed(
        v.record(v.string(), leaf("a whole number of addresses", v.pipe(v.number(), v.integer(), v.minValue(0)))),
        "How many addresses further on each number of a group is, e.g. `{ rack: 64, unit: 1 }`.",
      ),
    }),
    "The permanent address: `first + Σ group × step`.",
  ),
});

const burnInDefaults: { readonly [K in keyof BurnInProfile]: readonly [number, string] } = {
  cpuSeconds: [60, "How long all CPUs compute and compare their results."],
  memoryPercent: [80, "How much of the memory is written and read back; at most 90."],
  diskMiB: [
    1024,
    "How much is written to, read from and compared on the root disk, which gets back what was there; of the other fixed disks so much is read, at most 256 MiB of each, and nothing written.",
  ],
  networkMiB: [256, "How much is fetched from the server."],
  minCpuHashesPerSecond: [0, "Fewer hashes of 4 KiB a second over all CPUs count as failed; 0 asks for nothing."],
  minMemoryMiBps: [0, "Slower memory counts as failed; 0 asks for nothing."],
  minDiskMiBps: [
    0,
    "A slower disk counts as failed: the root disk in writing and reading, the others in reading; 0 asks for nothing.",
  ],
  minNetworkMiBps: [0, "A slower network counts as failed; 0 asks for nothing."],
};
/** The watchdog's deadlines grow with these; a test of days is a mistake. */
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
  withDefault(seconds(10, 2_592_000), defaultDeadlineSeconds[phase], `Until ${phaseWaitsFor[phase].missing}.`);
const deadlineEntries = Object.fromEntries(phases.map((phase) => [phase, deadline(phase)])) as {
  readonly [P in Phase]: ReturnType<typeof deadline>;
};

/** The whole file. */
export const configSchema = v.strictObject({
  stateDirectory: withDefault(
    path,
    "/var/lib/birther",
    "Where everything is kept that must survive: the MDB, the certificate authority, images, the operators' socket.",
  ),
  networks: needed(leaf("at least one network", listOf(network)), "The networks that machines boot on."),
  database: maybe(
    leaf(
      "a PostgreSQL database as postgres://USER@HOST/DATABASE",
      v.pipe(v.string(), v.regex(/^postgres(ql)?:\/\/[^/?#]*\/[^/?#]+/), v.maxLength(1024)),
    ),
    "The PostgreSQL database that holds the MDB; several servers may share one. Without it: SQLite in `stateDirectory`. " +
      "Several hosts are written `postgres://USER@ONE,TWO/DATABASE`: the one that is the primary is used. " +
      "A password is better not here: PGPASSWORD, PGPASSFILE and ~/.pgpass are read as by psql.",
  ),
  ports: withDefault(
    v.strictObject({
      http: withDefault(
        port,
        80,
        "Plain HTTP: boot scripts, kernel, initramfs, image objects (each verified by its hash).",
      ),
      machines: withDefault(port, 443, "TLS: what init and subs say to the MDB."),
      operators: withDefault(port, 8443, "TLS: the operators' API, for whoever has a token (`birther tokens create`)."),
    }),
    {},
    "Ports of the servers. DHCP, TFTP and PXE have theirs by standard.",
  ),
  operators: withDefault(
    v.strictObject({
      addresses: withDefault(
        v.array(address),
        ["0.0.0.0"],
        "Our addresses on which the operators' API is served; `[]`: on the Unix socket in the state directory only.",
      ),
      names: withDefault(
        v.array(hostName),
        [],
        "Names of this server in the certificate that our own authority makes for it, beside its host name, localhost and its addresses.",
      ),
      certificate: maybe(
        path,
        "A certificate of another authority instead (PEM, with the chain behind it); read anew each day.",
      ),
      key: maybe(path, "The private key of `certificate` (PEM)."),
    }),
    {},
    "How operators' tools on other machines reach us.",
  ),
  blastRadius: withDefault(
    v.strictObject({
      machines: withDefault(count("a whole number of machines", 1, 1_000_000), 10, "So many of a group at any rate."),
      percent: withDefault(count("a percentage", 0, 100), 10, "So many of a hundred, where that is more."),
      perSeconds: withDefault(seconds(1, 2_592_000), 3600, "Within how many seconds."),
    }),
    {},
    "How many machines of an owner group may be sent to rebirth or clean within a time without `--override`. Those that no group owns count as one group.",
  ),
  maxMachines: withDefault(
    count("a whole number of machines", 1, 10_000_000),
    defaultMaxMachines,
    "How many machines may be known. When there are so many, unknown ones are not answered, and the log says so; those that an operator announces always come in.",
  ),
  uplinkMbps: maybe(
    count("a whole number of megabits a second", 1, 1_000_000),
    "What may be used of this server's uplink for boot images. When it is full, further machines wait in line; `birther show` says at which place. Without it there is no line.",
  ),
  placement: withDefault(
    v.strictObject({
      lldpSeconds: withDefault(
        seconds(1, 600),
        40,
        "How long a machine waits for a frame of its switch (they send every 30 s).",
      ),
      rules: withDefault(v.array(placementRule), [], "Tried in order, the first match wins."),
    }),
    {},
    "From a switch port to a name and an address.",
  ),
  images: withDefault(
    leaf("a list of image rules", listOf(imageRule)),
    [{ image: "debug", when: { burnIn: "failed" } }, { image: "compute" }],
    "Which system image a machine gets: ordered rules, the first whose every condition holds wins. " +
      "Conditions under `when`: `burnIn: passed|failed`, `minCpus`, `minMemoryMiB`, `minStorageGiB`, `minDisks`, `firmware: bios|uefi`, `product` (regular expression over the SMBIOS product name).",
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
    "How hard and how long a machine is tested before it may work, and what counts as failed.",
  ),
  storage: withDefault(
    v.strictObject({
      allowUnencrypted: withDefault(
        yesOrNo,
        false,
        "Whether a machine that has nowhere to keep a disk key (neither UEFI nor TPM) is installed unencrypted. Its record says so.",
      ),
      minRootDiskMiB: withDefault(mebibytes(512), 8192, "The smallest disk that may become the root disk."),
      espMiB: withDefault(mebibytes(33), 256, "Size of the EFI system partition."),
      bootMiB: withDefault(mebibytes(128), 1024, "Size of /boot."),
    }),
    {},
    "What is done to the disks.",
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
        "So many starts of a machine that is being installed, without coming any further, are *failing*.",
      ),
      bootsWithinSeconds: withDefault(seconds(60, 604_800), defaultWatchRules.bootsWithinSeconds, "Within so long."),
      burnInAttempts: withDefault(
        count("a whole number of starts", 2, 100),
        defaultWatchRules.burnInAttempts,
        "So many starts of init without the end of a burn-in are *failing*.",
      ),
      webhooks: withDefault(
        leaf(
          "a list of places to call",
          v.pipe(
            v.array(
              v.strictObject({
                url: needed(webAddress, "Where events are POSTed as JSON."),
                secretFile: needed(
                  path,
                  "File with the secret, at least 16 characters in one line, that the calls are signed with (docs/webhooks.md).",
                ),
              }),
            ),
            v.maxLength(8),
          ),
        ),
        [],
        "Who is told when a machine is *failing*, well again, in *conflict*, on *hold*, or healthy.",
      ),
      repair: maybe(
        v.strictObject({
          afterSeconds: withDefault(
            seconds(300, 604_800),
            1800,
            "How long a machine must be *failing*, and then again after each step.",
          ),
          rebirths: withDefault(count("a whole number of rebirths", 0, 16), 2, "So many of one machine,"),
          withinSeconds: withDefault(seconds(3600, 2_592_000), 86_400, "within so long;"),
          rebirthsPerHour: withDefault(count("a whole number of rebirths", 1, 10_000), 5, "and of the whole fleet."),
        }),
        "What is done by itself about machines that keep failing: rebirth within this budget, then *debug*, then *hold*. A healthy machine is only sent to rebirth when it restarts again and again and its sub is silent; it **loses its root disk** then. Without this section nothing is done.",
      ),
    }),
    {},
    "How machines are watched that do not get on.",
  ),
  exports: withDefault(
    v.strictObject({
      dominatorMdbFile: maybe(
        path,
        "File that is kept up with the healthy machines for the Dominator (its `-mdbFile`), replaced whole at each change. Its directory must be there.",
      ),
      dominatorMdbByHttp: withDefault(
        yesOrNo,
        false,
        "Whether `GET /exports/dominator.json` on the plain HTTP port answers the same, for mdbd's `json` driver. Anybody on the networks can then read names and addresses.",
      ),
    }),
    {},
    "What other tools are given of the fleet, beside the operators' API (docs/exports.md).",
  ),
  retrySeconds: withDefault(seconds(1, 86_400), 30, "How long a machine whose birth failed waits before it restarts."),
  orderSeconds: withDefault(
    seconds(60, 86_400),
    900,
    "How long the token in a boot script may be used: from the making of the script until init asks for its order.",
  ),
});

/** The checked configuration, with every default filled in. */
export type Config = v.InferOutput<typeof configSchema>;
/** What may stand in the file. */
export type ConfigInput = v.InferInput<typeof configSchema>;
