import { birthSteps } from "../../src/core/birth/birth-step.ts";
import { installSteps } from "../../src/core/install/step.ts";
import type { Phase } from "../../src/core/machine/phase.ts";

/** A moment in the life of a machine: a line of its console or a phase of its record, and how long after it. */
export type Point = { readonly title: string; readonly at: Sign; readonly delayMs: number };
type Sign = { readonly kind: "line"; readonly text: RegExp } | { readonly kind: "phase"; readonly phase: Phase };

/** What happens to the site at that moment. */
export const faults = ["power", "server", "network"] as const;
export type Fault = (typeof faults)[number];

/** Steps that write to the disk, to NVRAM or to the MDB: there the cut also falls into the middle of the step. */
const writing: readonly string[] = [
  "discardKeys",
  "eraseHeaders",
  "discardDisk",
  "eraseSignatures",
  "makeKeys",
  "partition",
  "encryptRoot",
  "rootFileSystem",
  "bootFileSystem",
  "efiFileSystem",
  "installLoader",
  "addBootEntry",
  "hostFiles",
  "copyAgent",
  "copyUnlocker",
  "sync",
  "reportPlace",
  "askToBeHealthy",
  "writeSubSettings",
  "writeCredential",
];

/** Steps that only another kind of machine or order has. */
const elsewhere: readonly string[] = [
  "start",
  "report",
  "fetchLoader",
  "configureLoader",
  "findPartitions",
  "unlockRoot",
  "findRootDisk",
  "askToResume",
];

/** Where a line of init or the agent ends up: behind the time since power-on. */
const lineOf = (text: string): Sign => ({ kind: "line", text: new RegExp(`^\\[ *[\\d.]+\\] ${text}`, "m") });

/** The boundaries of init's steps in their order, and moments within those that write. */
export const birthPoints: readonly Point[] = Object.entries(birthSteps)
  .filter(([id]) => !elsewhere.includes(id))
  .sort(([one], [other]) => Number(one in installSteps) - Number(other in installSteps))
  .flatMap(([id, name]) => {
    const at = lineOf(`${name}\\r?$`);
    const inside = writing.includes(id) ? [{ title: `in "${name}"`, at, delayMs: 120 }] : [];
    return [{ title: `before "${name}"`, at, delayMs: 0 }, ...inside];
  });

const directive = (kind: string): Sign => lineOf(`directive received directive=${kind}\\r?$`);

/** The first image, by PID 1 directly after the birth: each directive, and moments within. */
export const firstImagePoints: readonly Point[] = [
  { title: "before the first poll", at: lineOf("birther-agent started"), delayMs: 0 },
  ...["report", "fetch", "update", "reboot"].map((kind) => {
    return { title: `before the directive ${kind}`, at: directive(kind), delayMs: 0 };
  }),
  ...[300, 1500, 4000].map((delayMs) => {
    return { title: `${delayMs} ms into the fetch`, at: directive("fetch"), delayMs };
  }),
  ...[200, 800, 2000, 4000].map((delayMs) => {
    return { title: `${delayMs} ms into the update`, at: directive("update"), delayMs };
  }),
  { title: "with the kernel on the boot partition", at: lineOf("stored a kernel on the boot partition"), delayMs: 0 },
  { title: "with the boot loader configured", at: lineOf("wrote the boot loader's configuration"), delayMs: 0 },
  { title: "in the restart", at: lineOf("restarting the machine"), delayMs: 50 },
];

/** An update of the running system, whose agent writes to the system journal: phases of the record, and moments within. */
export const updatePoints: readonly Point[] = (["fetching", "updating"] as const).flatMap((phase) =>
  [0, 300, 1000, 3000].map((delayMs) => {
    return { title: `${delayMs} ms into the phase ${phase}`, at: { kind: "phase" as const, phase }, delayMs };
  }),
);

/** An update that changes the kernel also restarts the machine. */
export const kernelPoints: readonly Point[] = [
  ...updatePoints,
  ...[0, 2000, 8000].map((delayMs) => {
    return {
      title: `${delayMs} ms into the restart`,
      at: { kind: "phase" as const, phase: "rebooting" as const },
      delayMs,
    };
  }),
];
