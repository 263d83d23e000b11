import * as host from "host";
import * as os from "os";
import { environmentBytes, grubEnvironment, readGrubEnvironment } from "../../../core/boot-loader/grub-environment.ts";
import { encodeUtf8 } from "../../../core/bytes/utf8.ts";
import { bootPartition, kernelInCommandLine, type StoredKernel } from "../../../core/image/boot/kernel-store.ts";
import { type KernelPlan, planKernels, shortId } from "../../../core/image/boot/kernel-trial.ts";
import { partitionConfig, tryVariable } from "../../../core/image/boot/partition-config.ts";
import { messageOf } from "../../birth/stop.ts";
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
import type { SubContext } from "../sub-context.ts";
import { bootId } from "../update/state.ts";
import { syncDisks } from "../update/sync-disks.ts";
import { rootDevice } from "./bootable-kernels.ts";
import { fileAt, type KernelInBoot, readKernelInBoot } from "./kernel-in-boot.ts";
import { readKernelRecord, runningKernel, saveKernelRecord } from "./kernel-record.ts";
import { expectedBootsWith, expectMeasurements } from "./measured-boot.ts";
import { flushPartition, openPartitions } from "./partition.ts";
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

/** A boot partition, and the whole kernels on it. */
type Held = { readonly directory: string; readonly kernels: readonly StoredKernel[] };

/**
 * Derives the boot partition from /boot on the root: the kernel in a directory named by its content, and GRUB's files. Writes only
 * what differs. What boots now is removed only when its successor is whole, and a power cut between two writes leaves a machine
 * that boots and derives the rest at its next start. A mirrored root has one on each disk, which become equal: one that cannot be
 * written is left as it is, because its disk is failing, and the machine goes on with the other.
 */
export function deriveBootPartition(context: SubContext, derivation: Derivation): void {
  const { root, alive, log } = context;
  const partitions = openPartitions(context, derivation.mountPoint);
  const wanted = readKernelInBoot(context, derivation.image, derivation.going);
  const { id, version } = wanted.kernel;
  const held = onEach(context, partitions, (directory) => ({
    directory,
    kernels: readStoredKernels(directory, alive),
  }));
  const kept = [...new Map(held.flatMap(({ kernels }) => kernels.map((kernel) => [kernel.id, kernel]))).values()];
  const known = kept.some((kernel) => kernel.id === id) ? kept : [...kept, wanted.kernel];
  const before = readKernelRecord(root);
  const plan = planKernels({
    wanted: { id, version },
    running: runningKernel(),
    stored: new Map(known.map((kernel) => [kernel.id, kernel.version])),
    mark: markOf(held.map(({ directory }) => directory)),
    bootId: bootId(),
    record: derivation.isRequired ? { ...before, required: id } : before,
  });
  const needed = new Set([...plan.entries, id, runningKernel() ?? ""]);
  const ready = onEach(context, held, (one) => {
    for (const kernel of missingOn(one, { wanted, held, needed })) {
      makeRoom(one.directory, kernel, new Set([...needed, ...(held.length > 1 ? startedBy(one.directory) : [])]));
      store(context, one.directory, kernel);
      const { id: stored, version: of } = kernel.kernel;
      log("info", "stored a kernel on the boot partition", { kernel: of, id: shortId(stored) });
    }
    return one.directory;
  });
  saveKernelRecord(root, plan.record);
  const { rejected } = plan.record;
  if (rejected !== undefined && before.rejected === undefined) log("error", rejected.reason);
  if (plan.record.unwritable === true && before.unwritable === undefined)
    log("warn", "GRUB cannot write to this disk; from now on a new kernel is the default at once");
  const configured = configure(context, ready, { plan, known });
  onEach(context, configured, (directory) => removeOthers(directory, needed));
}

/** What work gives on each of several boot partitions. One that fails is left out; throws if all do. */
function onEach<One, Result>(
  { log }: Pick<SubContext, "log">,
  partitions: readonly One[],
  work: (partition: One) => Result,
): readonly Result[] {
  const faults: unknown[] = [];
  const results: Result[] = [];
  for (const partition of partitions) {
    try {
      results.push(work(partition));
    } catch (error) {
      faults.push(error);
    }
  }
  if (results.length === 0 && faults.length > 0) throw faults[0];
  for (const fault of faults)
    log("error", "a boot partition of the mirror is not kept up to date", { fault: messageOf(fault) });
  return results;
}

/** The needed kernels that a partition lacks: that in /boot, and of a mirror those that only the other disk has. */
function missingOn(
  { directory, kernels }: Held,
  from: { readonly wanted: KernelInBoot; readonly held: readonly Held[]; readonly needed: ReadonlySet<string> },
): readonly KernelInBoot[] {
  const lacks = (id: string) => !kernels.some((kernel) => kernel.id === id);
  const { id: wantedId } = from.wanted.kernel;
  const others = from.held.flatMap((other) =>
    other.directory === directory
      ? []
      : other.kernels
          .filter(({ id }) => id !== wantedId && from.needed.has(id))
          .map((kernel) => storedKernel(other, kernel)),
  );
  return [from.wanted, ...others].filter(({ kernel }) => lacks(kernel.id));
}

/** The kernels in the present configuration of a partition: one that missed an update starts others than the mirror's other one. */
function startedBy(directory: string): readonly string[] {
  const config = readTextIfThere(`${directory}${bootPartition.config}`) ?? "";
  return config.split("\n").flatMap((line) => kernelInCommandLine(line) ?? []);
}

/** A kernel on another boot partition, as one to be stored. */
function storedKernel({ directory }: Held, kernel: StoredKernel): KernelInBoot {
  const home = `${directory}${bootPartition.kernels}/${kernel.id}`;
  return { kernel, files: kernel.names.map((name) => fileAt(`${home}/${name}`, name)) };
}

type Configuration = { readonly plan: KernelPlan; readonly known: readonly StoredKernel[] };

/** Writes the configuration; then marks the kernel to be tried, which only the new configuration knows. */
function configure(
  context: SubContext,
  partitions: readonly string[],
  { plan, known }: Configuration,
): readonly string[] {
  const { settings, log } = context;
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
  const [source = ""] = partitions;
  const found = onEach(context, partitions, (partition) => {
    const present = readTextIfThere(`${partition}${bootPartition.config}`);
    return { partition, present, isNew: present !== text || !hasEnvironment(partition) };
  });
  const replaced = found.filter(({ isNew }) => isNew).map(({ present }) => present);
  const former = replaced.flatMap((present) => present ?? []);
  if (replaced.length > 0) {
    expectMeasurements(context, source, { config: text, candidate, replaces: former });
    sealToBoots(context, expectedBootsWith(context.root, [...former, text]));
  }
  const written = onEach(context, found, ({ partition, isNew }) => {
    if (!isNew) return partition;
    makeDirectories(`${partition}/grub`, 0o700);
    if (!hasEnvironment(partition))
      replaceBytes(`${partition}${bootPartition.environment}`, grubEnvironment(tryVariable, ""), 0o600);
    replaceBytes(`${partition}${bootPartition.config}`, encodeUtf8(text), 0o600);
    log("info", "wrote the boot loader's configuration", { kernel: kernel?.version, tries: candidate !== undefined });
    flushPartition(context, partition);
    return partition;
  });
  expectMeasurements(context, source, { config: text, candidate });
  sealToBootsLater(context, expectedBootsWith(context.root, [text]));
  return onEach(context, written, (partition) => {
    if (readMark(partition) !== plan.mark) writeMark(partition, plan.mark);
    return partition;
  });
}

/** The kernel that GRUB would try; none if it has cleared the mark on one of the disks, from which it has tried it then. */
function markOf(partitions: readonly string[]): string {
  const marks = new Set(partitions.map(readMark));
  const [mark = ""] = marks;
  return marks.size === 1 ? mark : "";
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
function store(context: SubContext, partition: string, { kernel, files }: KernelInBoot): void {
  const directory = `${partition}${bootPartition.kernels}/${kernel.id}`;
  const draft = `${directory}.draft`;
  removeTree(draft);
  removeTree(directory);
  makeDirectories(draft, 0o700);
  for (const { name, write } of files) write(`${draft}/${name}`);
  syncDisks(context);
  checked(`rename ${draft} into place`, os.rename(draft, directory));
  syncDisks(context);
}

function removeOthers(partition: string, needed: ReadonlySet<string>): void {
  const kernels = `${partition}${bootPartition.kernels}`;
  if (!exists(kernels)) return;
  for (const name of list(kernels)) if (!needed.has(name)) removeTree(`${kernels}/${name}`);
}
