import * as host from "host";
import { diskKeyBytes, variableValueAt } from "../../core/boot-loader/efi-variable.ts";
import type { ErasureStep } from "../../core/erasure/erasure.ts";
import type { DiskIdentity } from "../../core/hardware/disk-identity.ts";
import { otherDiskReason } from "../../core/hardware/root-disk.ts";
import { diskSight } from "../../core/hardware/scan.ts";
import { volumeKeyBytes } from "../../core/install/machine-volumes.ts";
import type { Act, KeySource, Step } from "../../core/install/step.ts";
import type { BootOrder } from "../../core/machine/storage.ts";
import type { Endpoint } from "../../core/net/endpoint.ts";
import type { Log } from "../../core/ports.ts";
import { discardDisk } from "../device/disk/discard.ts";
import { eraseSignatures } from "../device/disk/erase-signatures.ts";
import { eraseLuksHeaders } from "../device/disk/luks-headers.ts";
import { assembleMirror, writeMemberHead } from "../device/disk/mirror.ts";
import { type ErasingContext, eraseByDevice } from "../device/erasing/erase-by-device.ts";
import { installBiosLoader } from "../device/firmware/bios-loader.ts";
import { addBootEntry, discardDiskKeys, diskKeyFile, makeDiskKey } from "../device/firmware/efi.ts";
import { discardTpmKey, makeTpmKey, readTpmKey } from "../device/firmware/tpm-key.ts";
import type { Drivers } from "../device/kernel/drivers.ts";
import { systemTree } from "../device/tree.ts";
import { clock, sleepMs } from "../system/clock.ts";
import { copyFile, exists, makeDirectories, makeSymlink, replaceBytes, writeText } from "../system/files.ts";
import { type RunOptions, runOrThrow } from "../system/run.ts";
import { copyProgram } from "./copy-program.ts";
import { discardErasure, headersErasure, keysErasure, signaturesErasure, tpmKeyErasure } from "./erasure-steps.ts";
import { fetchFiles } from "./fetch-files.ts";
import { stop } from "./stop.ts";

/** What the steps need besides their own facts. */
export type StepContext = {
  readonly drivers: Drivers;
  /** The Boot Server's HTTP port. */
  readonly http: Endpoint;
  readonly log: Log;
  /** Takes the boot order for the storage report; absent if no step changes it. */
  readonly bootOrder?: (order: BootOrder) => void;
  /** Takes what was destroyed, of one disk or of all, for the record of the erasure; absent as above. */
  readonly erased?: (step: ErasureStep, disk?: DiskIdentity) => void;
  /** For disks that erase themselves; absent as above. */
  readonly erasing?: Omit<ErasingContext, "log">;
};

/**
 * A program is stopped this many seconds before the watchdog would reset the machine, so that the failure has a reason.
 */
const marginSeconds = 10;
/** Time limit for the kernel and devtmpfs to show new partitions. */
const appearMs = 20_000;
/** No udev runs here, so device-mapper must not wait for it. */
const withoutUdev = { DM_DISABLE_UDEV: "1" };

type Executor<Kind extends Act["kind"]> = (
  act: Extract<Act, { kind: Kind }>,
  tools: StepContext,
  seconds: number,
) => void;

/** One executor for each kind of step. They carry out the plan and decide nothing. */
const executors: { readonly [Kind in Act["kind"]]: Executor<Kind> } = {
  loadModules: (act, { drivers }) => drivers.load(act.modules),

  discardKeys: (_, { drivers, log, erased }) => {
    const startedAtMs = clock.nowMs();
    const old = discardDiskKeys(drivers);
    erased?.(keysErasure(old, { startedAtMs, endedAtMs: clock.nowMs() }));
    if (old.kind === "gone") log("info", "old disk keys deleted, and found to be gone", { count: old.count });
    else log("warn", "the firmware's variables cannot be read: an old disk key may be left", { reason: old.reason });
  },

  discardTpmKey: ({ answers, byteCount }, { log, erased }) => {
    const startedAtMs = clock.nowMs();
    const old = discardTpmKey(answers, byteCount);
    if (old.kind === "none") return;
    erased?.(tpmKeyErasure(old, { startedAtMs, endedAtMs: clock.nowMs() }));
    if (old.kind === "gone") log("info", "old disk key in the TPM destroyed, and found to be gone");
    else log("warn", "an old disk key may be left in the TPM", { reason: old.reason });
  },

  makeTpmKey: ({ byteCount }) => makeTpmKey(byteCount),

  eraseHeaders: (act, { log, erased }) => {
    stopIfOtherDisk(act.disk);
    const startedAtMs = clock.nowMs();
    const old = eraseLuksHeaders(act.disk);
    erased?.(headersErasure(old, { startedAtMs, endedAtMs: clock.nowMs() }), act.disk);
    log("info", "old LUKS headers overwritten, and read back", { path: act.disk.path, ...old });
  },

  eraseByDevice: ({ jobs }, { log, erased, erasing }) => {
    if (erasing === undefined) throw new Error("expected what disks need to erase themselves, found none");
    for (const { disk } of jobs) stopIfOtherDisk(disk);
    for (const { disk, step } of eraseByDevice(jobs, { ...erasing, log })) erased?.(step, disk);
  },

  discardDisk: (act, { log, erased }) => {
    stopIfOtherDisk(act.disk);
    const startedAtMs = clock.nowMs();
    const old = discardDisk(act.disk);
    erased?.(discardErasure(old, { startedAtMs, endedAtMs: clock.nowMs() }), act.disk);
    log("info", "old data discarded", { path: act.disk.path, ...old });
  },

  makeKey: (act) => makeDiskKey(act.variable, act.byteCount),

  makeKeyFile: ({ path, byteCount }) => {
    makeDirectories(parentOf(path));
    host.chmod(parentOf(path), 0o700);
    replaceBytes(path, new Uint8Array(host.randomBytes(byteCount)), 0o600);
  },

  checkDisk: (act) => stopIfOtherDisk(act.disk),

  eraseSignatures: ({ disk }, { log, erased }) => {
    stopIfOtherDisk(disk);
    const startedAtMs = clock.nowMs();
    const found = eraseSignatures(disk);
    erased?.(signaturesErasure(found, { startedAtMs, endedAtMs: clock.nowMs() }), disk);
    if (found.length > 0) log("info", "old contents erased", { path: disk.path, contents: found.join(", ") });
  },

  partition: (act, _, seconds) => {
    stopIfOtherDisk(act.disk);
    const argv = ["/usr/sbin/sfdisk", "--quiet", "--no-tell-kernel", "--wipe", "always", "--wipe-partitions", "always"];
    runOrThrow([...argv, act.disk.path], { input: act.script, timeoutSeconds: seconds });
    host.rereadPartitions(act.disk.path);
    waitForDevices(act.expect);
  },

  makeMirror: ({ array, members }) => {
    for (const [number, member] of members.entries()) writeMemberHead(member, { number, members: members.length });
    assembleMirror(
      array,
      members.map(({ path }) => path),
    );
    waitForDevices([`/dev/${array}`]);
  },

  assembleMirror: ({ array, members }) => {
    assembleMirror(array, members);
    waitForDevices([`/dev/${array}`]);
  },

  encrypt: (act, _, seconds) => {
    const { key, input } = keyOf(act);
    // A random key needs no slow derivation.
    const derivation = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];
    const format = ["/usr/sbin/cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", ...derivation, ...key];
    runOrThrow([...format, act.partition], { env: withoutUdev, timeoutSeconds: seconds, ...input });
    unlock(act, seconds);
  },

  unlock: (act, _, seconds) => unlock(act, seconds),

  findDevices: (act) => waitForDevices(act.paths),

  makeFileSystem: (act, _, seconds) => void runOrThrow(act.argv, { timeoutSeconds: seconds }),

  mount: (act) => {
    makeDirectories(act.target);
    host.mount(act.source, act.target, act.type, 0, "");
  },

  makeDirectories: (act) => {
    for (const { path, mode } of act.directories) {
      makeDirectories(path);
      host.chmod(path, mode);
    }
  },

  writeFiles: (act) => {
    for (const { path, text, mode } of act.files) {
      makeDirectories(parentOf(path));
      writeText(path, text, mode);
    }
  },

  makeLinks: (act) => {
    for (const { path, target } of act.links) {
      makeDirectories(parentOf(path));
      makeSymlink(target, path);
    }
  },

  copyFiles: (act) => {
    for (const { from, to, mode } of act.files) {
      makeDirectories(parentOf(to));
      copyFile(from, to, mode);
    }
  },

  fetchFiles: (act, { http }) => fetchFiles(http, act.files),

  copyProgram: (act) => copyProgram(act.program, act.to),

  installBiosLoader: (act) => installBiosLoader(act.disk, act.coreSector, act.roomSectors),

  addBootEntry: (act, { log, bootOrder }) => {
    const written = addBootEntry(act.partition, act.file, act.name);
    bootOrder?.(written);
    const { entries, firstBy, fault } = written;
    const order = entries.join(", ");
    if (fault === undefined) log(firstBy === "bootCurrent" ? "info" : "warn", "boot order", { order, firstBy });
    else log("warn", "the firmware refused the boot entry; it finds the loader at its fallback path", { fault, order });
  },

  sync: () => host.sync(),
};

/** Executes one step; throws an error with the reason when it fails. */
export function executeStep(step: Step, tools: StepContext): void {
  const one = executors[step.act.kind] as Executor<Act["kind"]>;
  one(step.act, tools, step.deadlineSeconds - marginSeconds);
}

/** The root's key straight from NVRAM or the TPM, so that no other copy exists and the key is proven readable. */
function keyOf(source: KeySource): { readonly key: readonly string[]; readonly input?: RunOptions } {
  const part = (file: string, offset: number, size: number) =>
    ["--key-file", file, "--keyfile-offset", String(offset), "--keyfile-size", String(size)] as const;
  if ("keyFile" in source) return { key: part(source.keyFile, 0, volumeKeyBytes) };
  if ("inTpm" in source) return { key: part("-", 0, diskKeyBytes), input: { input: readTpmKey() } };
  return { key: part(diskKeyFile(source.variable), variableValueAt, diskKeyBytes) };
}

function unlock(
  act: { readonly partition: string; readonly mapperName: string } & KeySource,
  timeoutSeconds: number,
): void {
  const { key, input } = keyOf(act);
  const open = ["/usr/sbin/cryptsetup", "open", "--type", "luks2", ...key];
  runOrThrow([...open, act.partition, act.mapperName], { env: withoutUdev, timeoutSeconds, ...input });
  waitForDevices([`/dev/mapper/${act.mapperName}`]);
}

function stopIfOtherDisk(disk: DiskIdentity): void {
  const reason = otherDiskReason(disk, diskSight(systemTree).disks);
  if (reason !== undefined) throw stop(reason);
}

function waitForDevices(paths: readonly string[]): void {
  const endMs = host.monotonicMs() + appearMs;
  for (;;) {
    const missing = paths.filter((path) => !exists(path));
    if (missing.length === 0) return;
    if (host.monotonicMs() > endMs)
      throw new Error(`expected ${missing.join(", ")} within ${appearMs / 1000} s, found no such device`);
    sleepMs(50);
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
