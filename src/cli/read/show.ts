import type { Command } from "commander";
import type { MachineView } from "../../contract/operator/views.ts";
import { describeNotErased, disksNotErased } from "../../core/machine/not-erased.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { formatBytes, formatDuration, formatTime } from "../output/figures.ts";

/** Adds `show`: prints everything about one machine. */
export function showCommand(program: Command): void {
  const command = program
    .command("show <name>")
    .description("print everything about one machine: slot, hardware, burn-in, storage, PXE statistics, timeline");
  serverOptions(command).action(async (name: string, options: ServerOptions) => {
    const { openApi } = await import("../api/api.ts");
    const machine = await (await openApi(options)).ask<MachineView>("get", { name });
    if (options.output === "json") printJson(machine);
    else print(...machineText(machine, Date.now()));
  });
}

/** A machine as labelled lines, without unknown values. */
export function machineText(machine: MachineView, nowMs: number): string[] {
  const ago = (atMs: number) => `${formatDuration(Math.max(0, nowMs - atMs))} ago`;
  const { hostname, id, placement, smbios, hardware, pxe, order } = machine;
  const facts: (readonly [label: string, text: string | undefined])[] = [
    ["state", `${machine.state}, generation ${machine.generation}, revision ${machine.revision}`],
    [
      "phase",
      machine.phase && `${machine.phase}${machine.phaseAtMs === undefined ? "" : `, ${ago(machine.phaseAtMs)}`}`,
    ],
    ...machine.conditions.map(
      ({ kind, reason, sinceMs }) => ["condition", `${kind}, ${ago(sinceMs)}: ${reason}`] as const,
    ),
    [
      "order",
      order &&
        `${order.action}, generation ${order.generation}, ${order.takenAtMs === undefined ? "not taken yet" : `taken ${ago(order.takenAtMs)}`}`,
    ],
    ["address", machine.permanentAddress ?? (machine.temporaryAddress && `${machine.temporaryAddress} (temporary)`)],
    ["NICs", machine.macs.join(" ")],
    ["network", machine.network && `${machine.network}, ${machine.firmware} firmware`],
    ["slot", placement && `${placement.switchName} ${placement.port}`],
    ["announced", announcedText(machine)],
    ["groups", machine.groups?.join(" ")],
    [
      "tags",
      machine.tags &&
        Object.entries(machine.tags)
          .map(([name, value]) => `${name}=${value}`)
          .join(" "),
    ],
    ["image", imageText(machine)],
    ["disputed", machine.disputedMacs && `${machine.disputedMacs.join(" ")}: another machine also has this address`],
    [
      "repaired",
      machine.repair &&
        `${machine.repair.rebirthsAtMs.length} rebirths by policy, last step ${ago(machine.repair.atMs)}`,
    ],
    ["board", smbios && [smbios.vendor, smbios.product, smbios.serial].filter(Boolean).join(" ")],
    [
      "parts",
      hardware &&
        `${hardware.cpus} × ${hardware.cpuModel}, ${hardware.memoryMiB} MiB, TPM ${hardware.tpm ? "yes" : "no"}, Secure Boot ${hardware.secureBoot ? "on" : "off"}, watchdog ${hardware.watchdog || "none"}`,
    ],
    ...(hardware?.disks ?? []).map(
      (disk) =>
        [
          "disk",
          `${disk.path} ${formatBytes(disk.sizeBytes)} ${disk.bus} ${disk.model} ${disk.serial}`.trimEnd(),
        ] as const,
    ),
    ...(hardware?.nics ?? []).map(
      (nic) => ["nic", `${nic.name} ${nic.mac} ${nic.driver}${nic.carrier ? "" : ", no carrier"}`] as const,
    ),
    ["storage", storageText(machine)],
    ["burn-in", machine.burnIn?.verdict],
    ...(machine.burnIn?.results ?? []).map((result) => ["", burnInText(result)] as const),
    [
      "PXE",
      pxe.requests === 0
        ? "no requests"
        : `${pxe.requests} requests, ${pxe.responses} answers, latest ${ago(pxe.lastRequestAtMs)}: ${pxe.lastAnswer}`,
    ],
    ["known", `since ${formatTime(machine.createdAtMs, nowMs)}, last seen ${ago(machine.lastSeenAtMs)}`],
  ];
  const lines = facts
    .filter(([, text]) => text !== undefined && text !== "")
    .map(([label, text]) => `  ${label.padEnd(10)} ${text}`);
  return [hostname === undefined ? id : `${hostname} (${id})`, ...lines, ...timelineText(machine)];
}

function announcedText({ announced }: MachineView): string | undefined {
  if (announced === undefined) return undefined;
  const { by, hostname, place } = announced;
  const where = place === undefined ? [] : [`at ${place.switchName} ${place.port}`];
  return [...(hostname === undefined ? [] : [`as ${hostname}`]), ...where, `by ${by}`].join(" ");
}

function imageText({
  requiredImage,
  pinnedImage,
  plannedImage,
  forcedImage,
  runningImage,
  disableUpdates,
}: MachineView): string {
  if (requiredImage === undefined) return "";
  return [
    `${requiredImage} required${pinnedImage === undefined ? "" : " by an operator"}`,
    `${runningImage ?? "none"} running`,
    ...(plannedImage === undefined ? [] : [`${plannedImage} planned`]),
    ...(forcedImage === undefined ? [] : [`${forcedImage} forced by an operator`]),
    ...(disableUpdates ? ["updates disabled"] : []),
  ].join(", ");
}

function storageText(machine: MachineView): string | undefined {
  const { storage } = machine;
  if (storage === undefined) return undefined;
  const { rootDisk, encryption } = storage;
  const how = encryption.kind === "luks2" ? `LUKS2, key in ${encryption.keyIn}` : `not encrypted: ${encryption.reason}`;
  const others = disksNotErased(machine).map(describeNotErased);
  const untouched = others.length === 0 ? "" : `; not erased: ${others.join("; ")}`;
  const { recognition } = rootDisk;
  const byPath =
    recognition?.kind === "pathAndSize" ? `; a rebirth recognises it by path and size only: ${recognition.why}` : "";
  return `root on ${rootDisk.path} (${formatBytes(rootDisk.sizeBytes)}, ${rootDisk.why}); ${how}${byPath}${untouched}`;
}

function burnInText(result: NonNullable<MachineView["burnIn"]>["results"][number]): string {
  const figures = Object.entries(result.figures).map(([name, value]) => `${name} ${Math.round(value)}`);
  const outcome = result.ok ? "ok" : `FAILED: ${result.fault}`;
  return `${result.test} of ${result.subject}: ${[outcome, ...figures, formatDuration(result.durationMs)].join(", ")}`;
}

function timelineText({ timeline }: MachineView): string[] {
  const [first] = timeline;
  if (first === undefined) return [];
  const lines = timeline.map(({ phase, atMs, durationMs, detail }) => {
    const since = `+${((atMs - first.atMs) / 1000).toFixed(1)} s`;
    const took = durationMs === undefined ? "" : `took ${formatDuration(durationMs)}`;
    return `    ${phase.padEnd(12)} ${formatTime(atMs)} ${since.padStart(10)}  ${took.padEnd(12)} ${detail ?? ""}`.trimEnd();
  });
  return ["  timeline", ...lines];
}
