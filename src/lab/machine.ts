import { existsSync } from "node:fs";
import { appendFile, copyFile, mkdir, open, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Mac } from "../core/net/mac.ts";
import type { Log } from "../core/ports.ts";
import { serveLyingDisk } from "./lying-disk.ts";
import type { MachineSpec } from "./machine-spec.ts";
import { type Qemu, type QemuEnd, startQemu } from "./qemu.ts";
import { chooseAccelerator, type MachineFiles, qemuArguments, qemuProgram } from "./qemu-arguments.ts";
import type { QmpEvent } from "./qmp.ts";
import { enrolOnly } from "./secure-boot-variables.ts";
import { swtpmStarter } from "./swtpm.ts";

export type Power = "on" | "paused" | "off";

/** A machine of the virtual rack. Its disks, UEFI variables and console log survive power cycles. */
export type LabMachine = {
  readonly name: string;
  readonly mac: Mac;
  readonly spec: MachineSpec;
  /** Everything that it wrote to its serial console, across resets and power cycles. */
  readonly consoleLogPath: string;
  /** Directory of its TPM's state: another TPM is in the machine once it is removed. */
  readonly tpmStatePath: string;
  /** Unix socket for input to that console. */
  readonly consoleSocketPath: string;
  /** Paths of the raw disk images, in the order of the spec; tests read them when the machine is off. */
  readonly diskPaths: readonly string[];
  readonly power: () => Power;
  /** Presses the power button of a machine that is off; no effect on one that is on. */
  readonly powerOn: () => Promise<void>;
  /**
   * Presses the reset button. QEMU starts anew: after a reset of a guest that had just booted, QEMU 7.2 was seen to spin
   * in OVMF for ever, further resets included.
   */
  readonly reset: () => Promise<void>;
  /** Cuts the power after QEMU has flushed its files. */
  readonly powerOff: () => Promise<void>;
  /** Cuts the power between two instructions (SIGKILL). */
  readonly kill: () => Promise<void>;
  readonly pause: () => Promise<void>;
  readonly resume: () => Promise<void>;
  /** Takes all disks out of a machine that is off but those with these indices in the spec; they keep what they hold. */
  readonly keepDisks: (indices: readonly number[]) => void;
  /** Calls back for QEMU's events (`RESET`, `WATCHDOG`, `SHUTDOWN`…); returns a function that unsubscribes. */
  readonly watch: (listener: (event: QmpEvent) => void) => () => void;
};

/**
 * Debian's `ovmf`: the plain firmware, and the one that enforces Secure Boot with Microsoft's keys in its variables.
 */
const ovmf = {
  plain: { code: "usr/share/OVMF/OVMF_CODE_4M.fd", variables: "usr/share/OVMF/OVMF_VARS_4M.fd" },
  secure: { code: "usr/share/OVMF/OVMF_CODE_4M.ms.fd", variables: "usr/share/OVMF/OVMF_VARS_4M.ms.fd" },
} as const;

/** Debian's `qemu-efi-aarch64`. */
const aavmf = { code: "usr/share/AAVMF/AAVMF_CODE.fd", variables: "usr/share/AAVMF/AAVMF_VARS.fd" } as const;

/** The firmware of a UEFI machine: its code, and its variables when it is new. */
function uefiOf(spec: MachineSpec) {
  const of = spec.architecture === "arm64" ? aavmf : ovmf[spec.secureBoot ? "secure" : "plain"];
  return { code: inFirmware(spec, of.code), variables: inFirmware(spec, of.variables) };
}

/** A file of a machine's firmware: of its own tree, or of this computer. */
const inFirmware = ({ firmwareTree = "/" }: Pick<MachineSpec, "firmwareTree">, path: string): string =>
  join(firmwareTree, path);

/** Where Debian 13's ipxe-qemu has the ROMs of network cards, and Debian 12's. */
const romDirectories = ["usr/share/qemu", "usr/lib/ipxe/qemu"] as const;
/** The ROM of a virtio NIC, for BIOS and for UEFI. */
const nicRom = "efi-virtio.rom";

/** The directory of a tree's ROMs; nothing for this computer's, which QEMU finds itself. */
function romsIn(spec: MachineSpec): { readonly roms?: string } {
  if (spec.firmwareTree === undefined) return {};
  const roms = romDirectories.map((path) => inFirmware(spec, path)).find((path) => existsSync(join(path, nicRom)));
  if (roms === undefined)
    throw new Error(`${spec.firmwareTree}: expected ${nicRom} in ${romDirectories.join(" or ")}, found it in neither`);
  return { roms };
}

/** What starts a machine's QEMU; a TPM starts before it, and ends with it; so do disks that lie. */
type QemuCommand = {
  readonly name: string;
  readonly program: string;
  readonly argv: () => readonly string[];
  readonly startTpm?: () => Promise<void>;
  readonly serveDisks: () => Promise<AsyncDisposable>;
};

/** One machine's QEMU: at most one process at a time. */
class QemuSlot {
  readonly listeners = new Set<(event: QmpEvent) => void>();
  qemu: Qemu | undefined;
  paused = false;
  #lastAction: Promise<unknown> = Promise.resolve();
  /** Of the disks that the QEMU before was served: their sockets must be gone before others take their names. */
  #disksClosed: PromiseLike<void> = Promise.resolve();
  readonly #name: string;
  readonly #program: string;
  readonly #argv: () => readonly string[];
  readonly #tpm: (() => Promise<void>) | undefined;
  readonly #serveDisks: () => Promise<AsyncDisposable>;
  readonly #log: Log;

  constructor(of: QemuCommand, log: Log) {
    this.#name = of.name;
    this.#program = of.program;
    this.#argv = of.argv;
    this.#tpm = of.startTpm;
    this.#serveDisks = of.serveDisks;
    this.#log = log;
  }

  /**
   * Does what a person does to the machine, after what was done before: a power cut while QEMU starts ends the QEMU that has
   * started, and two who press the power button start one.
   */
  inOrder<Outcome>(action: () => Promise<Outcome>): Promise<Outcome> {
    const done = this.#lastAction.then(action);
    this.#lastAction = done.catch(() => {});
    return done;
  }

  async start(): Promise<void> {
    this.paused = false;
    await this.#tpm?.();
    await this.#disksClosed;
    const disks = await this.#serveDisks();
    this.qemu = await startQemu({
      name: this.#name,
      program: this.#program,
      argv: this.#argv(),
      onEvent: (event) => this.emit(event),
      onEnd: (how: QemuEnd) => {
        this.qemu = undefined;
        this.#disksClosed = disks[Symbol.asyncDispose]();
        this.#log("debug", "QEMU ended", { machine: this.#name, ...how });
      },
    });
  }

  emit(event: QmpEvent): void {
    if (event.event === "STOP") this.paused = true;
    if (event.event === "RESUME") this.paused = false;
    this.#log("debug", "QEMU event", { machine: this.#name, ...event });
    for (const listener of this.listeners) listener(event);
  }

  /** Sends a command to QEMU, for an action that needs the machine to be on. */
  async execute(action: string, command: string): Promise<void> {
    await this.running(action).qmp.execute(command);
  }

  /** The process, for an action that needs the machine to be on. */
  running(action: string): Qemu {
    if (this.qemu === undefined)
      throw new Error(`cannot ${action} ${this.#name}: expected it to be on, found it off; use power-on first`);
    return this.qemu;
  }
}

/** Makes a machine's files in `directory`, keeping existing ones, and returns the machine, switched off. */
export async function buildMachine(spec: MachineSpec, tap: string, directory: string, log: Log): Promise<LabMachine> {
  const files = await makeFiles(spec, directory);
  const accelerator = chooseAccelerator(await readFile("/proc/cpuinfo", "utf8"));
  let indices = [...spec.disks.keys()];
  const inPlace = <Disk>(disks: readonly Disk[]) => disks.filter((_, index) => indices.includes(index));
  const argv = () => {
    const disks = { disks: inPlace(files.disks), diskSockets: inPlace(files.diskSockets) };
    return qemuArguments({ ...spec, disks: inPlace(spec.disks) }, tap, { ...files, ...disks }, accelerator);
  };
  const startTpm = swtpmStarter(files.tpmState, files.tpmSocket);
  const serveDisks = async () => {
    await using served = new AsyncDisposableStack();
    for (const index of indices)
      if (spec.disks[index]?.lies === true)
        served.use(await serveLyingDisk(files.disks[index] ?? "", files.diskSockets[index] ?? ""));
    return served.move();
  };
  const slot = new QemuSlot(
    { name: spec.name, program: qemuProgram(spec), argv, serveDisks, ...(spec.tpm === undefined ? {} : { startTpm }) },
    log,
  );
  const note = (what: string) => noteOnConsole(files.consoleLog, what);

  return {
    ...{ name: spec.name, mac: spec.mac, spec, diskPaths: files.disks },
    ...{ consoleLogPath: files.consoleLog, consoleSocketPath: files.consoleSocket },
    tpmStatePath: files.tpmState,
    power: () => (slot.qemu === undefined ? "off" : slot.paused ? "paused" : "on"),
    powerOn: () =>
      slot.inOrder(async () => {
        if (slot.qemu !== undefined) return;
        await note("power on");
        await slot.start();
      }),
    reset: () =>
      slot.inOrder(async () => {
        const before = slot.running("reset");
        await note("reset");
        await quit(before);
        await slot.start();
        slot.emit({ event: "RESET", data: {} });
      }),
    powerOff: () =>
      slot.inOrder(async () => {
        const before = slot.qemu;
        if (before === undefined) return;
        await note("power off");
        await quit(before);
      }),
    kill: () =>
      slot.inOrder(async () => {
        if (slot.qemu === undefined) return;
        const { process, exited } = slot.qemu;
        process.kill("SIGKILL");
        await exited;
        await note("power cut");
      }),
    pause: () => slot.inOrder(() => slot.execute("pause", "stop")),
    resume: () => slot.inOrder(() => slot.execute("resume", "cont")),
    keepDisks: (kept) => {
      if (slot.qemu !== undefined) throw new Error(`cannot take disks out of ${spec.name}: expected it to be off`);
      indices = [...kept];
    },
    watch: (listener) => {
      slot.listeners.add(listener);
      return () => slot.listeners.delete(listener);
    },
  };
}

/** A QEMU that does not end so long after it was told to has hung. */
const quitMs = 60_000;

/** Ends QEMU after it has flushed its files. */
async function quit({ process, qmp, exited }: Qemu): Promise<void> {
  await qmp.execute("quit").catch(() => {});
  const timer = setTimeout(() => process.kill("SIGKILL"), quitMs);
  await exited;
  clearTimeout(timer);
}

/** Makes the files that are missing; disks are sparse. */
async function makeFiles(spec: MachineSpec, directory: string): Promise<MachineFiles> {
  await mkdir(directory, { recursive: true });
  const files: MachineFiles = {
    disks: spec.disks.map((_, i) => join(directory, `disk${i}.raw`)),
    diskSockets: spec.disks.map((_, i) => join(directory, `disk${i}.sock`)),
    consoleLog: join(directory, "console.log"),
    consoleSocket: join(directory, "console.sock"),
    tpmState: join(directory, "tpm"),
    tpmSocket: join(directory, "tpm.sock"),
    ovmfCode: uefiOf(spec).code,
    ...romsIn(spec),
    ovmfVariables: join(directory, "uefi-variables.fd"),
  };
  for (const [i, disk] of spec.disks.entries()) {
    await using file = await open(files.disks[i] ?? "", "a");
    await file.truncate(disk.sizeMiB * 1024 * 1024);
  }
  if (spec.firmware === "uefi" && !(await isThere(files.ovmfVariables))) await makeVariables(spec, files.ovmfVariables);
  await appendFile(files.consoleLog, "");
  return files;
}

async function makeVariables(spec: MachineSpec, path: string): Promise<void> {
  const { secureBoot, onlyTrusts } = spec;
  if (!secureBoot || onlyTrusts === undefined) {
    await copyFile(uefiOf(spec).variables, path);
    return;
  }
  const empty = await readFile(inFirmware(spec, ovmf.plain.variables));
  await writeFile(path, enrolOnly(empty, await readFile(onlyTrusts)));
}

function noteOnConsole(consoleLog: string, what: string): Promise<void> {
  return appendFile(consoleLog, `\n[lab] ${what} at ${new Date().toISOString()}\n`);
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
