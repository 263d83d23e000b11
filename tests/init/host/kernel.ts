import { type Board, mountedVariables } from "./board.ts";
import { diskDriver, kernelRelease } from "./devices/drivers.ts";
import { makeNic, type Nic, type Wire } from "./devices/network.ts";
import { fillProc, fillSys, showDisk, showNic, showWatchdog } from "./devices/system-files.ts";
import { makeWatchdog, type WatchdogHardware } from "./devices/watchdog.ts";
import { type BootPcrs, notExtended } from "./measured-boot.ts";
import { type Arrays, makeArrays } from "./storage/arrays.ts";
import { type BlockLayer, makeBlockLayer } from "./storage/block-layer.ts";
import { throughFirmware } from "./storage/device-firmware.ts";
import { type FileSystem, makeFileSystem } from "./storage/file-system.ts";
import { type MountTable, makeMountTable } from "./storage/mount-table.ts";
import { findFileSystem } from "./storage/on-disk.ts";
import { fillTree } from "./storage/pseudo-tree.ts";
import type { Child } from "./system/child.ts";
import { type Cpu, makeCpu, type RunOptions, type Task, type WorldClock } from "./system/cpu.ts";
import { type Descriptors, makeDescriptors, type OpenFile } from "./system/descriptors.ts";
import { fault } from "./system/errno.ts";
import { type DeviceDrivers, openPath } from "./system/open-path.ts";
import { type Chance, chanceOf } from "./system/random.ts";

/** A script of ours that runs as its own process, by its path in the image. */
export type Scripts = { readonly [path: string]: () => void };

/** The start of a boot. */
export type BootFacts = RunOptions & {
  readonly board: Board;
  readonly world: WorldClock;
  readonly wire: Wire;
  readonly root: FileSystem;
  readonly commandLine: string;
  readonly scripts: Scripts;
  readonly seed?: number;
  readonly release?: string;
  /** The content of /proc/self: PID 1, or a service. */
  readonly processId?: number;
  /** What the boot loader measured; nothing by default. */
  readonly pcrs?: BootPcrs;
  /** What a program does that runs in the foreground, if it is one: then it runs only while no other does. */
  readonly foreground?: (argv: readonly string[], kernel: Kernel) => ForegroundProgram | undefined;
};

/** A program with the machine's foreground to itself, or one that cannot be started. */
export type ForegroundProgram = (() => void) | "cannot be started";

/** A running machine. */
export type Kernel = {
  readonly board: Board;
  readonly cpu: Cpu;
  readonly chance: Chance;
  readonly mounts: MountTable;
  readonly files: Descriptors;
  readonly blocks: BlockLayer;
  readonly nic: Nic;
  readonly watchdog: WatchdogHardware;
  readonly scripts: Scripts;
  readonly open: (path: string, how: { readonly flags: number; readonly mode: number }) => OpenFile;
  readonly readFile: (path: string) => Uint8Array;
  readonly mount: (what: {
    readonly source: string;
    readonly target: string;
    readonly type: string;
    readonly flags: number;
  }) => void;
  readonly loadModule: (name: string) => void;
  readonly arrays: Arrays;
  readonly isLoaded: (name: string) => boolean;
  /** Whether init, or the agent after it, is the only process; otherwise a system runs. */
  readonly isPidOne: boolean;
  readonly sync: () => void;
  /** When sync(2) in a process of its own ends, while one runs. */
  syncEndsMs: number | undefined;
  /** Output on the consoles, and of processes. */
  readonly screen: string[];
  /** Output on the first of the consoles of a monitor. */
  readonly monitor: string[];
  /** Programs that were run: their arguments, joined by spaces. */
  readonly ran: string[];
  hostname: string;
  readonly children: Map<number, Child>;
  readonly foregroundOf: (argv: readonly string[]) => ForegroundProgram | undefined;
  /** Programs that were started for the foreground, and wait for it. */
  readonly waiting: (() => void)[];
  readonly nextPid: () => number;
  /** Lets the other processes read the contents of their pipes. */
  readonly runReaders: () => void;
  /** The process that makes the call, as the event loop identifies it. */
  readonly taskOf: () => Task;
};

const firstPid = 100;
const readOnlyFlag = 1;
const remountFlag = 32;
const moveFlag = 8192;

/** Powers a board on: the kernel is up, and only the root is mounted. */
export function bootKernel(facts: BootFacts): Kernel {
  const { board, world, wire, root, commandLine, scripts, seed = 1, release = kernelRelease, processId = 1 } = facts;
  const { foreground = () => undefined } = facts;
  board.boots += 1;
  const cpu = makeCpu(world, { skewMs: board.rtcSkewMs, ...facts });
  const chance = chanceOf(seed * 1000 + board.boots);
  const mounts = makeMountTable(root);
  const drivers: DeviceDrivers = new Map();
  const files = makeDescriptors();
  const screen: string[] = [];
  const monitor: string[] = [];
  const loaded = new Set<string>();
  const kinds = {
    proc: makeFileSystem({ type: "proc" }),
    sysfs: makeFileSystem({ type: "sysfs" }),
    devtmpfs: makeFileSystem({ type: "devtmpfs" }),
  };
  const [sys, dev] = [fillTree(kinds.sysfs), fillTree(kinds.devtmpfs)];
  const bootId = `00000000-0000-4000-8000-${String(board.boots).padStart(12, "0")}`;
  fillProc(fillTree(kinds.proc), board.facts, { commandLine, bootId, release, processId, cpu });
  fillSys(sys, board.facts);

  const isMounted = (path: string) => mounts.list().some(({ source }) => source === path);
  const blocks = makeBlockLayer({ cpu, drivers, dev, sys, isMounted });
  const arrays = makeArrays({ sys, blocks, dev });
  const nic = makeNic({ cpu, facts: board.facts, wire });
  const watchdog = makeWatchdog(cpu);
  addCharacterDevices(drivers, { dev, screen, monitor });
  addKernelLog(drivers, dev, board.facts.kernelRecords);
  if (board.facts.tpm !== undefined) {
    sys.text("/class/tpm/tpm0/tpm_version_major", "2\n");
    sys.symlink("/class/tpm/tpm0/device/driver", "../../../bus/platform/drivers/tpm_tis");
    const { pcr4, pcr8, pcr9 } = facts.pcrs ?? { pcr4: "4E".repeat(32), ...notExtended };
    const pcrs = new Map([
      [4, pcr4],
      [8, pcr8],
      [9, pcr9],
      // Our initrd extends it before it opens the root of a disk.
      [15, facts.pcrs === undefined ? "0".repeat(64) : "1F".repeat(32)],
    ]);
    for (const [number, value] of pcrs) sys.text(`/class/tpm/tpm0/pcr-sha256/${number}`, `${value}\n`);
    board.facts.tpm.measured(pcrs);
    // From a disk, firmware and initrd were there before.
    if (facts.pcrs === undefined) board.facts.tpm.nv.startAnew();
    dev.node("/tpmrm0", "character", 0xfd00);
    drivers.set(0xfd00, board.facts.tpm.open);
  }

  function loadModule(name: string): void {
    if (loaded.has(name)) return;
    loaded.add(name);
    for (const disk of board.facts.disks.filter((each) => diskDriver(each) === name)) {
      const device = board.disks.get(disk.name);
      const appear = () => {
        if (device === undefined) return;
        blocks.addDisk(throughFirmware(device, board.devices.get(disk.name), cpu));
        showDisk(sys, disk);
      };
      cpu.alarms.add({ atMs: cpu.monotonicMs() + (disk.appearsAfterMs ?? 50), ring: appear });
    }
    if (name === "md_mod") arrays.show();
    if (name === board.facts.nicDriver) showNic(sys, board.facts, nic.hasLink);
    if (name === "i6300esb" && board.facts.watchdog) {
      showWatchdog(sys);
      drivers.set(0x0a82, watchdog.open);
      dev.node("/watchdog", "character", 0x0a82);
    }
  }
  function kernelFileSystem(type: string): FileSystem | undefined {
    if (type === "tmpfs") return makeFileSystem({ type });
    if (type === "efivarfs") return loaded.has(type) ? mountedVariables(board) : undefined;
    return type === "proc" || type === "sysfs" || type === "devtmpfs" ? kinds[type] : undefined;
  }
  function mount({
    source,
    target,
    type,
    flags,
  }: {
    source: string;
    target: string;
    type: string;
    flags: number;
  }): void {
    const found = mounts.find(target, true);
    if (found.inode === undefined) throw fault("ENOENT");
    if ((flags & moveFlag) !== 0) {
      mounts.move(mounts.find(source, true).path, found.path);
      return;
    }
    const readOnly = (flags & readOnlyFlag) !== 0;
    if ((flags & remountFlag) !== 0) {
      mounts.at(found.path)?.fileSystem.sync();
      mounts.change(found.path, { readOnly });
      return;
    }
    const kernelOwn = kernelFileSystem(type);
    if (kernelOwn !== undefined) {
      mounts.add({ point: found.path, source, fileSystem: kernelOwn, readOnly });
      return;
    }
    if (!loaded.has(type)) throw fault("ENODEV");
    const device = blocks.get(source);
    if (device === undefined) throw fault("ENOENT");
    const fileSystem = findFileSystem(board, device, type);
    if (fileSystem === undefined) throw fault("EINVAL");
    mounts.add({ point: found.path, source, fileSystem, readOnly });
  }
  function open(path: string, how: { readonly flags: number; readonly mode: number }): OpenFile {
    return openPath({ mounts, drivers, cpu }, path, how);
  }
  function readFile(path: string): Uint8Array {
    const file = open(path, { flags: 0, mode: 0 });
    const pieces: Uint8Array[] = [];
    const buffer = new Uint8Array(1 << 16);
    for (let count = file.read?.(buffer) ?? 0; count > 0; count = file.read?.(buffer) ?? 0)
      pieces.push(buffer.slice(0, count));
    return Buffer.concat(pieces);
  }
  let lastPid = firstPid;
  const kernel: Kernel = {
    children: new Map(),
    foregroundOf: (argv) => foreground(argv, kernel),
    waiting: [],
    nextPid: () => {
      lastPid += 1;
      return lastPid;
    },
    runReaders: () => {
      for (const task of [...cpu.tasks.values()])
        for (const [fd, callback] of [...task.readers])
          if (files.get(task.pid, fd).ready?.() === true) cpu.runAs(task.pid, callback);
    },
    taskOf: () => {
      const task = cpu.tasks.get(cpu.current());
      if (task === undefined) throw new Error("the fake host has no event loop for PID 1");
      return task;
    },
    ...{
      board,
      cpu,
      chance,
      mounts,
      files,
      blocks,
      arrays,
      nic,
      watchdog,
      scripts,
      open,
      readFile,
      mount,
      loadModule,
      screen,
      monitor,
    },
    syncEndsMs: undefined,
    isLoaded: (name) => loaded.has(name),
    isPidOne: processId === 1,
    sync: () => {
      for (const { fileSystem } of mounts.list()) fileSystem.sync();
      blocks.sync();
    },
    ran: [],
    hostname: "",
  };
  return kernel;
}

/** /dev/kmsg: each opening reads all records up to now, from the first on. */
function addKernelLog(
  drivers: DeviceDrivers,
  dev: ReturnType<typeof fillTree>,
  records: Board["facts"]["kernelRecords"],
): void {
  if (records === undefined) return;
  const device = 0x010b;
  dev.node("/kmsg", "character", device);
  drivers.set(device, (about) => {
    let at = 0;
    return {
      about,
      read: (buffer) => {
        const count = Buffer.from(typeof records === "string" ? records : records()).copy(buffer, 0, at);
        at += count;
        return count;
      },
    };
  });
}

const consoles = [
  ["/tty0", 0x0400],
  ["/ttyS0", 0x0440],
] as const;

function addCharacterDevices(
  drivers: DeviceDrivers,
  { dev, ...shown }: { readonly dev: ReturnType<typeof fillTree> } & Pick<Kernel, "screen" | "monitor">,
): void {
  for (const [path, rdev] of consoles) {
    dev.node(path, "character", rdev);
    const lines = path === "/ttyS0" ? shown.screen : shown.monitor;
    const write = (bytes: Uint8Array) => {
      lines.push(...Buffer.from(bytes).toString("utf8").split("\r\n").slice(0, -1));
      return bytes.length;
    };
    drivers.set(rdev, (about) => ({ about, write }));
  }
  dev.node("/null", "character", 0x0103);
  drivers.set(0x0103, (about) => ({ about, read: () => 0, write: (bytes) => bytes.length }));
  dev.node("/rtc0", "character", 0xfb00);
  drivers.set(0xfb00, (about) => ({ about }));
}
