import "./host/install.ts";
import { signedCommandLine } from "../../src/core/birth/signed-command-line.ts";
import { imagePaths, rootPaths } from "../../src/core/install/paths.ts";
import { writeLldp } from "../../src/core/lldp/write.ts";
import { macOf } from "../../src/core/net/testing/addresses.ts";
import { type Board, type BoardFacts, cutPower, makeBoard } from "./host/board.ts";
import { bootstrapRoot } from "./host/bootstrap-root.ts";
import { runOn } from "./host/current.ts";
import type { Wire } from "./host/devices/network.ts";
import { type BootTrouble, bootFromDisk } from "./host/disk-boot.ts";
import { textIn } from "./host/grub.ts";
import { type BootFacts, bootKernel, type Kernel, type Scripts } from "./host/kernel.ts";
import { startScript } from "./host/modules/start-program.ts";
import { imagePrograms } from "./host/programs/programs.ts";
import type { Unsynced } from "./host/storage/block-device.ts";
import type { FileSystem } from "./host/storage/file-system.ts";
import { fillTree } from "./host/storage/pseudo-tree.ts";
import type { RunOptions } from "./host/system/cpu.ts";
import type { RunEnd } from "./host/system/run-end.ts";
import type { BootAnswer } from "./site/protocol.ts";
import { caPem, type Site } from "./site/site.ts";

// Imported after the hooks: a static import of init's code would request modules that Node does not have.
const { runInit } = await import("../../src/init/birth/run-init.ts");
const { runAgent } = await import("../../src/init/agent/run-agent.ts");
const { runSupervisor, supervisedOption } = await import("../../src/init/agent/versions/supervisor.ts");
const { openVolumes } = await import("../../src/init/agent/volumes/open-volumes.ts");
const { runWatchdog } = await import("../../src/init/watchdog/run-watchdog.ts");

const scripts: Scripts = { [imagePaths.watchdogScript]: runWatchdog };

const installed = { native: rootPaths.agent, script: rootPaths.agentScript };

/** The agents of the tests, by their scripts; any other script is the agent that we know. */
export const agentScripts = { hangs: "an agent that hangs", ends: "an agent that ends at once" } as const;
/** A native program that no kernel starts. */
export const brokenNative = "a program for another processor";

/** A version of the agent, as its supervisor starts it. */
function agentProgram([native = "", script = "", option]: readonly string[], kernel: Kernel) {
  if (option !== supervisedOption) return undefined;
  const textOf = (path: string) => Buffer.from(kernel.readFile(path)).toString("utf8");
  if (textOf(native) === brokenNative) return "cannot be started";
  switch (textOf(script)) {
    case agentScripts.hangs:
      return () => kernel.cpu.hang();
    case agentScripts.ends:
      return () => undefined;
    default:
      return () => runAgent({ root: "", once: false, program: { native, script }, supervised: true });
  }
}

/** The MAC address of the machine that most tests are about. */
export const mac = macOf("52:54:00:12:34:56");

/** What a switch announces on a machine's cable. */
export function lldpFrame(systemName: string, port: string, ttlSeconds = 120): Uint8Array {
  const sender = macOf("02:00:00:00:00:01");
  const chassis = { kind: "mac", text: sender } as const;
  return writeLldp({ chassis, port: { kind: "interfaceName", text: port }, ttlSeconds, systemName }, sender);
}

/** The cable of rack 1, unit 7. */
export const usualLldp = { frames: [lldpFrame("tor-1", "swp7")], everyMs: 5000 } as const;

/** The settings of a boot: its troubles, and other deviations. */
export type Trial = RunOptions & {
  readonly wire?: Partial<Wire>;
  /** The firmware starts the signed image; this makes the wire on which its init finds its settings. */
  readonly signedImage?: (commandLine: string) => Partial<Wire>;
  /** No switch speaks LLDP. */
  readonly mute?: true;
  /** Files that the Bootstrap Image lacks. */
  readonly without?: readonly string[];
  /** What happens to unsynced writes when the power is cut; by default they are lost. */
  readonly unsynced?: Unsynced;
  /** The trouble of a kernel that GRUB starts. */
  readonly kernelTrouble?: BootTrouble;
  /** How long a sub is watched before the test has seen enough. */
  readonly minutes?: number;
};

/** One boot: how it ended, and the machine's state then. */
export type Boot = { readonly end: RunEnd; readonly kernel: Kernel; readonly answer: BootAnswer };

/** A machine in a site. */
export type TestMachine = {
  readonly board: Board;
  readonly site: Site;
  /** Powers it on and lets init run to its end, if the site boots it; nothing after the hand-over. */
  readonly bootInit: (trial?: Trial) => Boot;
  /**
   * Powers it on and lets everything run: init and then the sub, or the sub of the system on the disk; until a restart,
   * or for some minutes.
   */
  readonly boot: (trial?: Trial) => Boot;
};

/** systemd's RestartSec of the agent's service. */
const restartMs = 5000;

/** The agent's service, as systemd keeps it: its supervisor, and what that starts in the foreground. */
function runService(kernel: Kernel): never {
  const { cpu, waiting } = kernel;
  const start = () => startScript(kernel, kernel.nextPid(), () => runSupervisor({ root: "", installed }));
  for (let supervisor = start(); ; ) {
    waiting.shift()?.();
    cpu.advance(stepMs);
    if (!supervisor.hasEnded()) continue;
    cpu.advance(restartMs);
    supervisor = start();
  }
}

/** The time that the foreground is idle before it is looked at again. */
const stepMs = 100;

const firmwareMs = 20_000;
const usualMinutes = 10;

/** Adds a machine to a site's rack. */
export function rackMachine(site: Site, facts: Partial<BoardFacts> = {}): TestMachine {
  const board = makeBoard({ mac, ...facts });

  function powerOn(trial: Trial, more: Pick<BootFacts, "root" | "commandLine"> & Partial<BootFacts>): Kernel {
    const {
      wire,
      mute,
      signedImage: _____,
      without: _,
      unsynced: __,
      minutes: ___,
      kernelTrouble: ____,
      ...options
    } = trial;
    const lldp = mute === true ? {} : { lldp: usualLldp };
    const cable: Wire = { listeners: site.listeners, datagram: site.datagram, ...lldp, ...wire };
    return bootKernel({
      board,
      scripts,
      foreground: agentProgram,
      world: site.world,
      wire: cable,
      ...options,
      ...more,
    });
  }
  /** What a power cut or a reset leaves behind; an orderly end has synced. */
  function settle(end: RunEnd, { unsynced = { kind: "lost" } }: Trial): void {
    const orderly = end.kind === "restarted" || end.kind === "switchedRoot";
    if (!orderly) cutPower(board, end.kind === "stopped" ? { kind: "kept" } : unsynced);
  }
  function begin(trial: Trial): Boot {
    site.world.nowMs += firmwareMs;
    const answer = site.boot(board.facts.mac, board.facts.firmware);
    const { without = [] } = trial;
    const given = answer.kind === "bootstrapImage" ? answer.commandLine : "";
    const wire = trial.signedImage?.(given);
    const commandLine = wire === undefined ? given : signedCommandLine;
    const kernel = powerOn(
      { ...trial, ...(wire && { wire }) },
      { root: bootstrapRoot({ caPem, without }), commandLine },
    );
    const end: RunEnd =
      answer.kind === "bootstrapImage" ? runOn(kernel, runInit) : { kind: "stopped", why: "not told to be born" };
    return { end, kernel, answer };
  }
  /** The system on the disk, as its initrd and systemd prepare it for the sub. */
  function startSystem(trial: Trial): Kernel | string {
    const found = bootFromDisk(board, trial.kernelTrouble);
    if (found.kind === "nothingToBoot") return found.why;
    const { root, release, commandLine, pcrs } = found;
    const kernel = powerOn(trial, { root, commandLine, release, processId: 812, pcrs });
    for (const module of ["virtio_blk", "nvme", "sd_mod", "ext4", "vfat", "efivarfs"]) kernel.loadModule(module);
    const fill = fillTree(root);
    const fstab = textIn(root, "/etc/fstab") ?? "";
    const points = [...fstab.matchAll(/^PARTUUID=(\S+) (\/\S+) ext4 (?!errors)/gm)];
    for (const path of ["/proc", "/sys", "/dev", "/run", ...points.map(([, , point = ""]) => point)])
      fill.directory(path);
    for (const path of imagePrograms) fill.text(path, "program", 0o755);
    for (const [source, type] of [["proc"], ["sys", "sysfs"], ["dev", "devtmpfs"], ["run", "tmpfs"]])
      kernel.mount({ source: source ?? "", target: `/${source}`, type: type ?? source ?? "", flags: 0 });
    // As systemd does.
    if (board.facts.firmware === "uefi")
      kernel.mount({ source: "efivarfs", target: "/sys/firmware/efi/efivars", type: "efivarfs", flags: 0 });
    const run = kernel.mounts.at("/run");
    if (run !== undefined) fillTree(run.fileSystem).directory("/systemd/system");
    const network = ["", "main.", "bond0.", "bond0.120."]
      .map((name) => textIn(root, `/etc/systemd/network/10-birther.${name}network`) ?? "")
      .join("");
    kernel.nic.up();
    kernel.nic.setAddress(/^Address=([\d.]+)/m.exec(network)?.[1] ?? "");
    kernel.cpu.advance(10_000);
    kernel.arrays.assembleAll();
    for (const [, uuid = "", point = ""] of points) mountBoot(kernel, uuid, point);
    startVolumes(kernel, root);
    return kernel;
  }
  /** As systemd does with `nofail`: what is not there is not mounted. */
  function mountBoot(kernel: Kernel, uuid: string, point: string): void {
    const source = `/dev/disk/by-partuuid/${uuid}`;
    if (kernel.blocks.get(source) !== undefined) kernel.mount({ source, target: point, type: "ext4", flags: 0 });
  }
  /** birther-volumes.service, which systemd starts before the agent. */
  function startVolumes(kernel: Kernel, root: FileSystem): void {
    const unit = textIn(root, "/etc/systemd/system/birther-volumes.service") ?? "";
    if (!unit.includes("ExecStart=/usr/local/sbin/birther-agent --volumes")) return;
    runOn(kernel, () => void kernel.screen.push(...openVolumes().map((fault) => `birther-volumes: ${fault}`)));
    kernel.cpu.resume();
  }
  function live(kernel: Kernel, { minutes = usualMinutes }: Trial): RunEnd {
    const { cpu } = kernel;
    const enough = () => cpu.end({ kind: "stopped", why: `watched for ${minutes} minutes` });
    const alarm = { atMs: cpu.monotonicMs() + minutes * 60_000, ring: enough };
    cpu.alarms.add(alarm);
    return runOn(
      kernel,
      kernel.isPidOne ? () => runAgent({ root: "", once: false, program: installed }) : () => runService(kernel),
    );
  }

  return {
    board,
    site,
    bootInit: (trial = {}) => {
      const boot = begin(trial);
      settle(boot.end, trial);
      return boot;
    },
    boot: (trial = {}) => {
      const first = begin(trial);
      const system = first.answer.kind === "localDisk" ? startSystem(trial) : first.kernel;
      if (typeof system === "string") return { ...first, end: { kind: "stopped", why: system } };
      const goesOn = first.answer.kind === "localDisk" || first.end.kind === "switchedRoot";
      system.cpu.resume();
      const end = goesOn ? live(system, trial) : first.end;
      settle(end, trial);
      return { ...first, kernel: system, end };
    },
  };
}
