import type { Command } from "commander";
import type { ErasureAnswer, ErasuresAnswer } from "../../contract/operator/answers/erasure.ts";
import type { MachineView } from "../../contract/operator/views.ts";
import { describeFigure } from "../../core/burn-in/figure-text.ts";
import { counted } from "../../core/bytes/counted.ts";
import { describeEraseWish } from "../../core/erasure/erase-wish.ts";
import { outcomeText } from "../../core/erasure/erasure.ts";
import type { Siblings } from "../../core/fleet/siblings.ts";
import { describeBiosDrive } from "../../core/hardware/bios-drives.ts";
import { describeDisk, isSameDisk } from "../../core/hardware/disk-identity.ts";
import type { Disk } from "../../core/hardware/hardware.ts";
import { describeMissingFirmware } from "../../core/hardware/missing-firmware.ts";
import { whyNotFixed } from "../../core/hardware/suitable-disk.ts";
import { describeMirror } from "../../core/machine/health/mirror-text.ts";
import { describeNotErased, disksNotErased } from "../../core/machine/not-erased.ts";
import { describeSuspect } from "../../core/machine/suspect.ts";
import { describeProgress } from "../../core/machine/work-progress.ts";
import { describeNeighbour } from "../../core/site/place.ts";
import { sourceNames } from "../../core/site/place-sources.ts";
import { print, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { printData } from "../output/data.ts";
import { formatBytes, formatDateTime, formatDuration, formatTimeZone } from "../output/figures.ts";
import { fitLines } from "../output/wrap.ts";
import { timelineText } from "./timeline-text.ts";
import { trustLines } from "./trust-text.ts";

/** Adds `show`: prints everything about one machine. */
export function showCommand(program: Command): void {
  const command = program
    .command("show <name>")
    .description("print everything about one machine: slot, hardware, burn-in, storage, PXE statistics, timeline");
  serverOptions(command).action(async (name: string, options: ServerOptions) => {
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const machine = await api.ask<MachineView>("get", { name });
    if (await printData(machine, options)) return;
    const siblings = await api.ask<Siblings>("siblings", { name: machine.id });
    const erasures = disksNotErased(machine).length === 0 ? [] : await erasuresOf(api, machine.id);
    print(...fitLines(machineText(machine, Date.now(), erasures), textColumn), ...timelineText(siblings));
  });
}

/** Where the text of a labelled line begins. */
const textColumn = 13;

/** A label, and its text if the value is known. */
type Fact = readonly [label: string, text: string | undefined];

/** The newest erasures of a machine's disks. */
async function erasuresOf(
  api: { readonly ask: <T>(route: "erasures", parts: object) => Promise<T> },
  machine: string,
): Promise<readonly ErasureAnswer[]> {
  const { erasures } = await api.ask<ErasuresAnswer>("erasures", { query: { machine, limit: "1000" } });
  return erasures;
}

/** A machine as labelled lines, without unknown values; `erasures` are those of its disks, newest first. */
export function machineText(machine: MachineView, nowMs: number, erasures: readonly ErasureAnswer[] = []): string[] {
  const { hostname, id } = machine;
  const ago = (atMs: number) => `${formatDuration(Math.max(0, nowMs - atMs))} ago`;
  const facts = [
    ...stateFacts(machine, ago),
    ...placeFacts(machine),
    ...historyFacts(machine, ago),
    ...hardwareFacts(machine, ago, erasures),
    ...pxeFacts(machine, ago),
    ["known", `since ${formatTimeZone(machine.createdAtMs, nowMs)}, last seen ${ago(machine.lastSeenAtMs)}`] as const,
  ];
  const lines = facts
    .filter(([, text]) => text !== undefined && text !== "")
    .map(([label, text]) => `  ${label.padEnd(10)} ${text}`);
  return [hostname === undefined ? id : `${hostname} (${id})`, ...lines];
}

function stateFacts(machine: MachineView, ago: (atMs: number) => string): Fact[] {
  const { phase, phaseAtMs, order } = machine;
  const taken = (atMs: number | undefined) => (atMs === undefined ? "not taken yet" : `taken ${ago(atMs)}`);
  return [
    ["state", `${machine.state}, generation ${machine.generation}, revision ${machine.revision}`],
    ["phase", phase && `${phase}${phaseAtMs === undefined ? "" : `, ${ago(phaseAtMs)}`}`],
    ["restart", machine.reboot && rebootText(machine.reboot, ago)],
    ["progress", machine.progress && `${describeProgress(machine.progress)}, ${ago(machine.progress.atMs)}`],
    ...machine.conditions.map(({ kind, trouble, reason, sinceMs }): Fact => {
      const name = trouble === undefined ? kind : `${kind} (${trouble})`;
      return ["condition", `${name}, ${ago(sinceMs)}: ${reason}`];
    }),
    ["order", order && `${order.action}, generation ${order.generation}, ${taken(order.takenAtMs)}`],
  ];
}

function rebootText({ by, atMs, sent }: NonNullable<MachineView["reboot"]>, ago: (atMs: number) => string): string {
  const then = sent === undefined ? "waits for its turn, or for its agent" : `its agent was told ${ago(sent.atMs)}`;
  return `requested by ${by} ${ago(atMs)}; ${then}`;
}

function slotText({ switchName, port, source }: NonNullable<MachineView["placement"]>): string {
  return source === undefined ? `${switchName} ${port}` : `${switchName} ${port}, by ${sourceNames[source]}`;
}

/** What option 82 says of its port. */
function relayText({ relay }: MachineView): string | undefined {
  if (relay === undefined) return undefined;
  const { giaddr, circuitId, remoteId } = relay;
  return [giaddr, remoteId && `remote id ${remoteId}`, circuitId && `circuit id ${circuitId}`]
    .filter(Boolean)
    .join(", ");
}

function placeFacts(machine: MachineView): Fact[] {
  const { placement, tags = {} } = machine;
  const tagText = Object.entries(tags).map(([name, value]) => `${name}=${value}`);
  return [
    ["address", machine.permanentAddress ?? (machine.temporaryAddress && `${machine.temporaryAddress} (temporary)`)],
    ["IPv6 address", placement?.ipv6],
    ["NICs", machine.macs.join(" ")],
    ["network", machine.network && `${machine.network}, ${machine.firmware} firmware`],
    ["slot", placement && slotText(placement)],
    ["relay", relayText(machine)],
    ["network profile", placement?.profile],
    ["announced", announcedText(machine)],
    ["groups", machine.groups?.join(" ")],
    ["tags", tagText.join(" ")],
    ["image", imageText(machine)],
    ["agent", agentText(machine)],
  ];
}

function historyFacts(
  { disputedMacs, didNotAskAtMs, repair, recovery }: MachineView,
  ago: (atMs: number) => string,
): Fact[] {
  return [
    [
      "recovery",
      recovery &&
        `of the disk key, allowed by ${recovery.by} ${ago(recovery.atMs)}${recovery.nonce === undefined ? "" : ", signed"}`,
    ],
    [
      "boot order",
      didNotAskAtMs === undefined
        ? undefined
        : `did not ask: it restarted into its image ${ago(didNotAskAtMs)} and no PXE request was heard; put network boot first in its firmware`,
    ],
    ["disputed", disputedMacs && `${disputedMacs.join(" ")}: another machine also has this address`],
    [
      "repaired",
      repair && `${counted(repair.rebirthsAtMs.length, "rebirth")} by policy, last step ${ago(repair.atMs)}`,
    ],
    ["suspected", repair?.trial && `by the repair policy: ${counted(repair.trial.boots, "network boot")} proved`],
  ];
}

function hardwareFacts(
  machine: MachineView,
  ago: (atMs: number) => string,
  erasures: readonly ErasureAnswer[],
): Fact[] {
  const { smbios, hardware, burnIn } = machine;
  return [
    ["board", smbios && [smbios.vendor, smbios.product, smbios.serial].filter(Boolean).join(" ")],
    [
      "parts",
      hardware &&
        `${hardware.cpus} × ${hardware.cpuModel}, ${formatBytes(hardware.memoryMiB * 2 ** 20)}, TPM ${hardware.tpm ? "yes" : "no"}, Secure Boot ${hardware.secureBoot ? "on" : "off"}, watchdog ${hardware.watchdog || "none"}`,
    ],
    ...trustLines(machine).map((line, at): Fact => [at === 0 ? "trust" : "", line]),
    ...(hardware?.disks ?? []).map(
      (disk): Fact => [
        "disk",
        [disk.path, formatBytes(disk.sizeBytes), disk.bus, disk.model, disk.serial].join(" ").trimEnd() +
          aboutDisk(disk),
      ],
    ),
    ...(hardware?.nics ?? []).map(
      (nic): Fact => ["nic", `${nic.name} ${nic.mac} ${nic.driver}${nic.carrier ? "" : ", no carrier"}`],
    ),
    ...(hardware?.missingFirmware ?? []).map((missing): Fact => ["firmware", describeMissingFirmware(missing)]),
    ...(machine.neighbours ?? []).map((neighbour): Fact => ["LLDP", describeNeighbour(neighbour)]),
    ["TPM", machine.tpm && `endorsement key ${machine.tpm.ekSha256}, first proved ${ago(machine.tpm.firstSeenMs)}`],
    ["storage", storageText(machine, erasures)],
    ["erases", machine.erase && describeEraseWish(machine.erase)],
    ["mirror", mirrorText(machine)],
    ["volumes", volumesText(machine)],
    ["boot order", bootOrderText(machine)],
    ["burn-in", burnIn?.verdict],
    ...(burnIn?.results ?? []).map((result): Fact => ["", burnInText(result)]),
    ...(machine.suspects ?? []).map((suspect): Fact => ["suspect", describeSuspect(suspect)]),
  ];
}

/** Why a disk is never the root disk, and its other names. */
function aboutDisk(disk: NonNullable<MachineView["hardware"]>["disks"][number]): string {
  const notFixed = whyNotFixed(disk);
  const { otherPaths = [] } = disk;
  return [
    ...(notFixed === undefined ? [] : [`, never the root disk: ${notFixed}`]),
    ...(otherPaths.length === 0 ? [] : [`, also ${otherPaths.join(", ")}`]),
  ].join("");
}

function pxeFacts({ pxe }: MachineView, ago: (atMs: number) => string): Fact[] {
  if (pxe.requests === 0) return [["PXE", "no requests"]];
  const latest = `${ago(pxe.lastRequestAtMs)}: ${pxe.lastAnswer}`;
  return [["PXE", `${counted(pxe.requests, "request")}, ${counted(pxe.responses, "answer")}, latest ${latest}`]];
}

function announcedText({ announced }: MachineView): string | undefined {
  if (announced === undefined) return undefined;
  const { by, hostname, place } = announced;
  const where = place === undefined ? [] : [`at ${place.switchName} ${place.port}`];
  return [...(hostname === undefined ? [] : [`as ${hostname}`]), ...where, `by ${by}`].join(" ");
}

function imageText({
  requiredImage,
  imageStream,
  pinnedImage,
  plannedImage,
  forcedImage,
  runningImage,
  disableUpdates,
}: MachineView): string {
  if (requiredImage === undefined) return "";
  return [
    `${requiredImage} required${pinnedImage === undefined ? "" : " by an operator"}${imageStream === undefined ? "" : ` (follows ${imageStream})`}`,
    `${runningImage ?? "none"} running`,
    ...(plannedImage === undefined ? [] : [`${plannedImage} planned`]),
    ...(forcedImage === undefined ? [] : [`${forcedImage} forced by an operator`]),
    ...(disableUpdates ? ["updates disabled"] : []),
  ].join(", ");
}

function agentText({ agent }: MachineView): string | undefined {
  if (agent === undefined) return undefined;
  const { version, rejected } = agent;
  return rejected === undefined ? version : `${version}; rejected ${rejected.version}: ${rejected.reason}`;
}

function storageText(machine: MachineView, erasures: readonly ErasureAnswer[]): string | undefined {
  const { storage } = machine;
  if (storage === undefined) return undefined;
  const { rootDisk, encryption } = storage;
  const how =
    encryption.kind === "luks2"
      ? `LUKS2, key in ${encryption.keyIn === "tpm" ? "the TPM" : encryption.keyIn}`
      : `not encrypted: ${encryption.reason}`;
  const others = disksNotErased(machine).map((disk) => describeNotErased(disk) + lastErased(disk, erasures));
  const untouched = others.length === 0 ? "" : `; not touched by births: ${others.join("; ")}`;
  const { recognition } = rootDisk;
  const byPath =
    recognition?.kind === "pathAndSize" ? `; a rebirth recognises it by path and size only: ${recognition.why}` : "";
  const drive = rootDisk.biosDrive === undefined ? "" : `, ${describeBiosDrive(rootDisk.biosDrive)}`;
  return `root on ${rootDisk.path} (${formatBytes(rootDisk.sizeBytes)}, ${rootDisk.why}${drive}); ${how}${byPath}${untouched}`;
}

/** When a clean of all disks erased a disk that no birth touches. It may have been written to since. */
function lastErased(disk: Disk, erasures: readonly ErasureAnswer[]): string {
  const last = erasures.find(({ facts }) => facts !== undefined && isSameDisk(facts.disk, disk));
  return last?.facts === undefined ? "" : `, ${outcomeText(last.facts.outcome)} ${formatDateTime(last.atMs)}`;
}

/** The second disk of a mirrored root, and what is wrong with either. */
function mirrorText({ storage, mirror }: MachineView): string | undefined {
  if (storage?.mirrorDisk === undefined) return undefined;
  const { mirrorDisk } = storage;
  const state = mirror === undefined ? undefined : describeMirror(mirror, storage);
  return `${mirrorDisk.path} (${describeDisk(mirrorDisk)})${state === undefined ? "" : `; ${state}`}`;
}

/** The volumes beside the root: `layout storage: swap (8 GiB on /dev/sda), data1 at /srv/disk1 (1 TiB on /dev/sdb, serial S)`. */
function volumesText({ storage }: MachineView): string | undefined {
  if (storage?.layout === undefined) return undefined;
  const { layout, volumes = [], rootDisk } = storage;
  const each = volumes.map(({ name, disk, sizeMiB, mountPoint }) => {
    const at = mountPoint === undefined ? "" : ` at ${mountPoint}`;
    const where = disk.path === rootDisk.path || disk.serial === "" ? disk.path : `${disk.path}, serial ${disk.serial}`;
    return `${name}${at} (${formatBytes(sizeMiB * 2 ** 20)} on ${where})`;
  });
  return `layout ${layout}: ${each.join(", ") || "no volumes"}`;
}

function bootOrderText({ storage }: MachineView): string | undefined {
  if (storage?.bootOrder === undefined) return undefined;
  const { entries, firstBy, fault } = storage.bootOrder;
  const why = {
    bootCurrent: "it came by the first entry",
    guess: "the first entry is a guess: its firmware did not say by which it came",
    none: "no network entry found",
  }[firstBy];
  return `${entries.join(", ")} (${why})${fault === undefined ? "" : `; the firmware refused Birther's entry: ${fault}`}`;
}

function burnInText(result: NonNullable<MachineView["burnIn"]>["results"][number]): string {
  const figures = Object.entries(result.figures).map(([name, value]) => describeFigure(name, value));
  const outcome = result.ok ? "ok" : `FAILED: ${result.fault}`;
  return `${result.test} of ${result.subject}: ${[outcome, ...figures, formatDuration(result.durationMs)].join(", ")}`;
}
