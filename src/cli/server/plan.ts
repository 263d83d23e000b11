import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { readCapture } from "../../core/net/read-pcap.ts";
import { capturedEvidence } from "../../core/site/captured-evidence.ts";
import { describeNeighbour } from "../../core/site/place.ts";
import { namedPort, type PlaceEvidence, placeByEvidence, sourceNames } from "../../core/site/place-sources.ts";
import { type PlacementResult, placeSources } from "../../core/site/placement.ts";
import { besidePlan, type PlannedSlot, type PortPlan, planSlots, unusableReason } from "../../core/site/site-plan.ts";
import { exitStatus, failure } from "../api/failure.ts";
import { outputOption, print } from "../api/server-options.ts";
import { printData } from "../output/data.ts";
import { type OutputFormat, valueFormats } from "../output/formats.ts";
import { formatsOf, inWide, type Listing, printList, textColumn } from "../output/listing.ts";
import { warn } from "../output/warn.ts";

type PlanOptions = { readonly config: string; readonly output: OutputFormat };

/** Adds `plan` and `plan try`: what the placement rules make of the site. */
export function planCommand(program: Command): void {
  const plan = program
    .command("plan")
    .description("list the slots that the configuration expects, with the name and address that its rules give them")
    .requiredOption("-c, --config <file>", "configuration file with a section site");
  outputOption(plan, formatsOf(slotListing)).action(async (options: PlanOptions) => {
    const { readConfigFile } = await import("./config-file.ts");
    // What is wrong with the plan is best seen in the plan.
    const { config } = await readConfigFile(options.config, { planApart: true });
    if (config.site === undefined)
      throw failure(
        "misused",
        "site: expected the racks and units of the site, found none",
        "docs/configuration.md describes it",
      );
    const slots = planSlots(config.site, config.placement.rules);
    await printList(slotListing, { rows: slots, data: slots.map(jsonOf), none: "the site has no slots" }, options);
    const { formatFault } = await import("../../contract/config/parse.ts");
    const { sitePlanFaults } = await import("../../contract/config/rules.ts");
    const faults = sitePlanFaults(config);
    for (const fault of faults) warn(formatFault(fault));
    if (faults.length > 0) process.exitCode = exitStatus.failed;
  });
  tryCommand(plan);
}

/** The columns of `plan`. */
export const slotListing: Listing<PlannedSlot> = {
  named: "hostname",
  columns: [
    { name: "rack", of: ({ rack }) => String(rack) },
    { name: "unit", of: ({ unit }) => String(unit) },
    textColumn("switch", ({ switchName }) => switchName),
    textColumn("port", ({ port }) => port),
    textColumn("hostname", ({ placement }) => placement?.hostname),
    textColumn("address", ({ placement }) => placement && formatIpv4(placement.address)),
    textColumn("ipv6", ({ placement }) => placement?.ipv6, inWide),
    textColumn("profile", ({ placement }) => placement?.profile, inWide),
    textColumn("fault", ({ fault }) => fault, inWide),
  ],
};

type TryOptions = PlanOptions & { readonly source: string; readonly frame?: string };

/** Adds `plan try`: what the rules make of one machine's evidence, as a birth would. */
function tryCommand(plan: Command): void {
  plan
    .command("try [switch] [port]")
    .description(
      "say what the rules make of one switch port, by the names that the switch sends by LLDP, of what another source says, or of captured frames",
    )
    .option("-s, --source <source>", `what says <switch> and <port>: ${placeSources.join(", ")}`, "lldp")
    .option("-f, --frame <file>", "captured LLDP frames or relayed DHCP requests: pcap, or hex digits, a frame a line")
    .action(async (switchName: string | undefined, port: string | undefined, _own: object, command: Command) => {
      const options = command.optsWithGlobals<TryOptions>();
      if (!valueFormats.some((format) => format === options.output))
        throw failure("misused", `--output: expected ${valueFormats.join(", ")}, found ${options.output}`);
      const evidence = await evidenceOf({ switchName, port }, options);
      const { readConfigFile } = await import("./config-file.ts");
      const { config } = await readConfigFile(options.config, { planApart: true });
      const result = placeByEvidence(config.placement.rules, evidence);
      const placement = result.kind === "placed" ? result.placement : undefined;
      const unusable = placement && unusableReason(placement.address, config.networks);
      const plan = placement && config.site && besidePlan(placement, planSlots(config.site, config.placement.rules));
      const isWrong = placement === undefined || unusable !== undefined || (plan?.collisions ?? []).length > 0;
      if (isWrong) process.exitCode = exitStatus.failed;
      if (await printData({ ...triedJson(result, { switchName, port, unusable }), ...plan }, options)) return;
      if (placement === undefined) return print(result.kind === "unplaced" ? result.reason : "");
      const groups = Object.entries(placement.position).map(([name, value]) => `${name} ${value}`);
      const address = formatIpv4(placement.address);
      const more = [placement.ipv6, placement.profile && `profile ${placement.profile}`].filter(Boolean);
      const by = placement.source === undefined ? "" : `, by ${sourceNames[placement.source]}`;
      print(`${[placement.hostname, address, ...more].join(" ")}: ${groups.join(", ") || "no groups"}${by}`);
      if (unusable !== undefined) print(`${address} ${unusable}`);
      print(...(plan?.collisions ?? []));
      if (plan?.isExpected === false) warn("the section site expects no machine in this slot");
    });
}

type Tried = { readonly switchName: string | undefined; readonly port: string | undefined };

/** What a birth would know: the captured frames, or one source's two texts. */
async function evidenceOf({ switchName, port }: Tried, { source, frame }: TryOptions): Promise<PlaceEvidence> {
  if (frame !== undefined) {
    if (switchName !== undefined) throw failure("misused", "expected either <switch> <port> or --frame, found both");
    return await captured(frame);
  }
  if (switchName === undefined || port === undefined)
    throw failure("misused", "expected <switch> and <port>, or --frame FILE, found neither");
  const kind = placeSources.find((one) => one === source);
  switch (kind) {
    case "lldp":
      return { neighbours: [namedPort(switchName, port)] };
    case "option82":
      return { neighbours: [], relay: { remoteId: switchName, circuitId: port } };
    case "chassis":
      return { neighbours: [], chassis: { serial: switchName, slot: port } };
    case "operator":
      return { neighbours: [], operator: { switchName, port } };
    case undefined:
      throw failure("misused", `--source: expected one of ${placeSources.join(", ")}, found ${source}`);
  }
}

async function captured(file: string): Promise<PlaceEvidence> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw failure("misused", `cannot read ${file} (${cause.code})`, "check the path and its permissions");
  });
  const reading = readCapture(bytes);
  if (reading.kind === "unreadable") throw failure("misused", `${file}: ${reading.reason}`);
  const { faults, ...evidence } = capturedEvidence(reading.frames);
  for (const fault of faults.slice(0, faultLimit)) warn(`${file}: ignored an invalid LLDP frame: ${fault}`);
  if (evidence.neighbours.length === 0 && evidence.relay === undefined)
    throw failure(
      "failed",
      `${file}: expected an LLDP frame or a DHCP request with option 82, found neither in ${reading.frames.length} frames`,
    );
  for (const neighbour of evidence.neighbours) warn(`LLDP: ${describeNeighbour(neighbour)}`);
  const { relay } = evidence;
  if (relay !== undefined)
    warn(`DHCP option 82: remote id ${relay.remoteId ?? relay.giaddr ?? "none"}, circuit id ${relay.circuitId}`);
  return evidence;
}

/** Faults of a capture that are printed. */
const faultLimit = 3;

function triedJson(
  result: PlacementResult,
  { switchName, port, unusable }: Tried & { readonly unusable: string | undefined },
): object {
  if (result.kind === "unplaced")
    return {
      ...(switchName === undefined ? {} : { switchName, port }),
      ...{ fault: result.reason, ...(result.conflict === undefined ? {} : { conflict: true }) },
    };
  const { placement } = result;
  const { source = "lldp" } = placement;
  return {
    ...jsonOf({ switchName: placement.switchName, port: placement.port, placement }),
    ...(source === "lldp" ? {} : { source }),
    ...(unusable === undefined ? {} : { unusable }),
  };
}

function jsonOf({ placement, ...slot }: PortPlan): object {
  if (placement === undefined) return slot;
  const { hostname, address, position, ipv6, profile } = placement;
  return {
    ...{ ...slot, hostname, address: formatIpv4(address), position },
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(profile === undefined ? {} : { profile }),
  };
}
