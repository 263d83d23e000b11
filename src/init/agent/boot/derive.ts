import * as host from "host";
import * as os from "os";
import { environmentBytes, grubEnvironment, readGrubEnvironment } from "../../../core/boot-loader/grub-environment.ts";
import { encodeUtf8 } from "../../../core/bytes/utf8.ts";
import { bootPartition, type StoredKernel } from "../../../core/image/boot/kernel-store.ts";
import { type KernelPlan, planKernels, shortId } from "../../../core/image/boot/kernel-trial.ts";
import { partitionConfig, tryVariable } from "../../../core/image/boot/partition-config.ts";
import { checked } from "../../system/errno.ts";
import {
  exists,
  list,
  makeDirectories,
  readBytes,
  readTextIfThere,
  removeTree,
  replaceBytes,
  writeToDescriptor,
} from "../../system/files.ts";
import { bootId } from "../state.ts";
import type { SubContext } from "../sub-context.ts";
import { rootDevice } from "./bootable-kernels.ts";
import { type KernelInBoot, readKernelInBoot } from "./kernel-in-boot.ts";
import { readKernelRecord, runningKernel, saveKernelRecord } from "./kernel-record.ts";
import { expectedBootsWith, expectMeasurements } from "./measured-boot.ts";
import { flushPartition, openPartition } from "./partition.ts";
import { demandRoom } from "./room.ts";
import { sealToBoots, sealToBootsLater } from "./sealing.ts";
import { readStoredKernels } from "./stored-kernels.ts";

/** What the boot partition is derived for. */
export type Derivation = {
  readonly mountPoint: string;
  /** The image in messages. */
  readonly image: string;
  /** Paths about to be removed from /boot. */
  readonly going: ReadonlySet<string>;
  /** Whether the kernel in /boot is that of an image, so that the machine is to run it. */
  readonly isRequired: boolean;
};

/**
 * Derives the boot partition from /boot on the root: the kernel in a directory named by its content, and GRUB's files. Writes only
 * what differs. What boots now is removed only when its successor is whole, and a power cut between two writes leaves a machine
 * that boots and derives the rest at its next start.
 */
export function deriveBootPartition(context: SubContext, derivation: Derivation): void {
  const { root, alive, log } = context;
  const partition = openPartition(context, derivation.mountPoint);
  const wanted = readKernelInBoot(context, derivation.image, derivation.going);
  const { id, version } = wanted.kernel;
  const kept = readStoredKernels(partition, alive);
  const known = kept.some((kernel) => kernel.id === id) ? kept : [...kept, wanted.kernel];
  const before = readKernelRecord(root);
  const plan = planKernels({
    wanted: { id, version },
    running: runningKernel(),
    stored: new Map(known.map((kernel) => [kernel.id, kernel.version])),
    mark: readMark(partition),
    bootId: bootId(),
    record: derivation.isRequired ? { ...before, required: id } : before,
  });
  const needed = new Set([...plan.entries, id, runningKernel() ?? ""]);
  if (known !== kept) {
    makeRoom(partition, wanted, needed);
    store(partition, wanted);
    log("info", "stored a kernel on the boot partition", { kernel: version, id: shortId(id) });
  }
  saveKernelRecord(root, plan.record);
  const { rejected } = plan.record;
  if (rejected !== undefined && before.rejected === undefined) log("error", rejected.reason);
  if (plan.record.unwritable === true && before.unwritable === undefined)
    log("warn", "GRUB cannot write to this disk; from now on a new kernel is the default at once");
  configure(context, partition, { plan, known });
  removeOthers(partition, needed);
}

type Configuration = { readonly plan: KernelPlan; readonly known: readonly StoredKernel[] };

/** Writes the configuration; then marks the kernel to be tried, which only the new configuration knows. */
function configure(context: SubContext, partition: string, { plan, known }: Configuration): void {
  const { settings, log } = context;
  const path = `${partition}${bootPartition.config}`;
  const kernels = plan.entries.flatMap((id) => known.filter((kernel) => kernel.id === id));
  const { candidate } = plan;
  const text = partitionConfig({
    firmware: settings.firmware,
    root: rootDevice(settings),
    architecture: host.architecture(),
    kernels,
    ...(candidate === undefined ? {} : { candidate }),
  });
  const [kernel] = kernels;
  const present = readTextIfThere(path);
  const isNew = present !== text || !hasEnvironment(partition);
  if (isNew) {
    expectMeasurements(context, partition, { config: text, candidate, replaces: present ?? "" });
    sealToBoots(context, expectedBootsWith(context.root, present === undefined ? [text] : [present, text]));
    makeDirectories(`${partition}/grub`, 0o700);
    if (!hasEnvironment(partition))
      replaceBytes(`${partition}${bootPartition.environment}`, grubEnvironment(tryVariable, ""), 0o600);
    replaceBytes(path, encodeUtf8(text), 0o600);
    log("info", "wrote the boot loader's configuration", { kernel: kernel?.version, tries: candidate !== undefined });
    flushPartition(context, partition);
  }
  expectMeasurements(context, partition, { config: text, candidate });
  sealToBootsLater(context, expectedBootsWith(context.root, [text]));
  if (readMark(partition) !== plan.mark) writeMark(partition, plan.mark);
}

function hasEnvironment(partition: string): boolean {
  const path = `${partition}${bootPartition.environment}`;
  return exists(path) && os.stat(path)[0]?.size === environmentBytes;
}

function readMark(partition: string): string {
  const path = `${partition}${bootPartition.environment}`;
  return exists(path) ? readGrubEnvironment(readBytes(path), tryVariable) : "";
}

/** In place: GRUB finds the block where it was, even if the journal has not been written back. */
function writeMark(partition: string, mark: string): void {
  const path = `${partition}${bootPartition.environment}`;
  const fd = checked(`open ${path}`, os.open(path, os.O_WRONLY));
  try {
    writeToDescriptor(fd, grubEnvironment(tryVariable, mark), `write ${path}`);
    host.fsync(fd);
  } finally {
    os.close(fd);
  }
}

function sizeOf({ files }: KernelInBoot): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** Removes kernels that are not needed, which the wanted one may need the space of; throws if it does not fit even then. */
function makeRoom(partition: string, wanted: KernelInBoot, needed: ReadonlySet<string>): void {
  removeOthers(partition, needed);
  demandRoom(wanted.kernel.version, sizeOf(wanted), host.statfs(partition).freeBytes);
}

/** Writes all files under a draft's name, then gives the directory its name. */
function store(partition: string, { kernel, files }: KernelInBoot): void {
  const directory = `${partition}${bootPartition.kernels}/${kernel.id}`;
  const draft = `${directory}.draft`;
  removeTree(draft);
  removeTree(directory);
  makeDirectories(draft, 0o700);
  for (const { name, write } of files) write(`${draft}/${name}`);
  host.sync();
  checked(`rename ${draft} into place`, os.rename(draft, directory));
  host.sync();
}

function removeOthers(partition: string, needed: ReadonlySet<string>): void {
  const kernels = `${partition}${bootPartition.kernels}`;
  if (!exists(kernels)) return;
  for (const name of list(kernels)) if (!needed.has(name)) removeTree(`${kernels}/${name}`);
}
