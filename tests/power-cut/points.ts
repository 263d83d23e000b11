import { birthSteps } from "../../src/core/birth/birth-step.ts";
import { installSteps } from "../../src/core/install/step.ts";

/** A moment in the life of a machine: a line of its console, and how long after it. */
export type Point = { readonly title: string; readonly line: RegExp; readonly delayMs: number };

/** What happens to the site at that moment. */
export const faults = ["power", "server", "network"] as const;
export type Fault = (typeof faults)[number];

/** Steps that write to the disk, to NVRAM or to the MDB: there the cut also falls into the middle of the step. */
const writing: readonly string[] = [
  "discardKeys",
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
const lineOf = (text: string): RegExp => new RegExp(`^\\[ *[\\d.]+\\] ${text}`, "m");

/** The boundaries of init's steps in their order, and moments within those that write. */
export const birthPoints: readonly Point[] = Object.entries(birthSteps)
  .filter(([id]) => !elsewhere.includes(id))
  .sort(([one], [other]) => Number(one in installSteps) - Number(other in installSteps))
  .flatMap(([id, name]) => {
    const line = lineOf(`${name}\\r?$`);
    const inside = writing.includes(id) ? [{ title: `in "${name}"`, line, delayMs: 120 }] : [];
    return [{ title: `before "${name}"`, line, delayMs: 0 }, ...inside];
  });

const directive = (kind: string): RegExp => lineOf(`directive received directive=${kind}\\r?$`);

/** The first image, by PID 1 directly after the birth: each directive, and moments within. */
export const firstImagePoints: readonly Point[] = [
  { title: "before the first poll", line: lineOf("birther-agent started"), delayMs: 0 },
  ...["report", "fetch", "update", "reboot"].map((kind) => {
    return { title: `before the directive ${kind}`, line: directive(kind), delayMs: 0 };
  }),
  ...[300, 1500, 4000].map((delayMs) => {
    return { title: `${delayMs} ms into the fetch`, line: directive("fetch"), delayMs };
  }),
  ...[200, 800, 2000, 4000].map((delayMs) => {
    return { title: `${delayMs} ms into the update`, line: directive("update"), delayMs };
  }),
  { title: "with the second initrd written", line: lineOf("wrote the second initrd"), delayMs: 0 },
  { title: "with the boot loader configured", line: lineOf("wrote the boot loader's configuration"), delayMs: 0 },
  { title: "in the restart", line: lineOf("restarting the machine"), delayMs: 50 },
];
