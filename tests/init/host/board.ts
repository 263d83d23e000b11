import { writeBootOrder } from "../../../src/core/boot-loader/efi-boot.ts";
import { bootOptionVariable, globalVariable, lastingVariable } from "../../../src/core/boot-loader/efi-variable.ts";
import { bytesFromHex } from "../../../src/core/bytes/text.ts";
import type { Firmware } from "../../../src/core/machine/record.ts";
import type { Mac } from "../../../src/core/net/mac.ts";
import type { FakeTpm } from "./devices/tpm.ts";
import { type Disk, makeDisk, type Unsynced } from "./storage/block-device.ts";
import type { DeviceFirmware } from "./storage/device-firmware.ts";
import { type FileSystem, makeFileSystem } from "./storage/file-system.ts";
import { fillTree } from "./storage/pseudo-tree.ts";

/** How the kernel presents a disk. */
export type DiskFacts = {
  /** `vda`, `sdb`, `nvme0n1`, … */
  readonly name: string;
  readonly sizeBytes: number;
  readonly serial: string;
  readonly wwn?: string;
  readonly model?: string;
  /** What SCSI's INQUIRY says, such as `ATA`. */
  readonly vendor?: string;
  readonly rotational?: boolean;
  readonly removable?: boolean;
  readonly sectorBytes?: number;
  /** When it appears, after its driver was loaded. */
  readonly appearsAfterMs?: number;
  /** Makes the firmware behind it, for commands that reach it past the kernel; without it, the disk takes none. */
  readonly device?: (disk: Disk) => DeviceFirmware;
};

/** A NIC that does not boot. Its link is up once its driver is there. */
export type NicFacts = {
  readonly name: string;
  readonly mac: Mac;
  readonly speedMbps: number;
  readonly hasLink: boolean;
  /** What its switch announces, once a second; nothing if absent. */
  readonly lldp?: Uint8Array;
};

/** The parts of a machine. */
export type BoardFacts = {
  readonly firmware: Firmware;
  readonly mac: Mac;
  readonly disks: readonly DiskFacts[];
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Whether a driver creates /dev/watchdog. */
  readonly watchdog: boolean;
  /** The NIC's driver, and what it needs for a link. */
  readonly nicDriver: string;
  readonly linkAfterMs: number;
  /** NICs of the same driver beside `eth0`. */
  readonly otherNics: readonly NicFacts[];
  readonly secureBoot: boolean;
  /** Whether the firmware lets GRUB write to a disk. */
  readonly grubWrites: boolean;
  /** The TPM in its socket; none by default. */
  readonly tpm?: FakeTpm;
  /** Whether GRUB on the disk extends its PCRs. */
  readonly grubMeasures: boolean;
  /** Whether GRUB starts kernels through their EFI stub, which measures as well, as GRUB 2.12 does. */
  readonly grubUsesStub: boolean;
  /** Boot entries that fail before the disk's. */
  readonly failedEntries: number;
  /** Space for UEFI variables. */
  readonly nvramBytes: number;
  /** Whether its disks take BLKDISCARD. */
  readonly discards: boolean;
  /** Further files of /sys, such as counters of memory errors; a function is called at each reading. */
  readonly sysFiles?: { readonly [path: string]: string | (() => string) };
  /** What the NIC that boots says of its link: numbers of modes; it tells none by default, as a virtual one. */
  readonly link?: {
    readonly speedMbps: number;
    readonly supported: readonly number[];
    readonly partner: readonly number[];
  };
  /** Variables that the firmware keeps although it says that it deleted them; none by default. */
  readonly keptVariables?: RegExp;
  /** A network card that no driver of the image drives, as the PCI bus shows it; none by default. */
  readonly strangeNic?: { readonly address: string; readonly vendor: string; readonly device: string };
  /** What the kernel says by itself, as records of /dev/kmsg: all of them, or those up to now. */
  readonly kernelRecords?: string | (() => string);
};

/** A machine without power: everything that survives a boot. */
export type Board = {
  facts: BoardFacts;
  disks: ReadonlyMap<string, Disk>;
  /** What is behind them, by the same names. */
  devices: ReadonlyMap<string, DeviceFirmware>;
  readonly nvram: FileSystem;
  /** What the firmware holds of the variables that it never deletes, as of the latest mount. */
  readonly kept: Map<string, Uint8Array>;
  /** The file systems on the disks, by the number in their superblocks. */
  readonly fileSystems: Map<number, FileSystem>;
  /** The deviation of the board's clock. */
  rtcSkewMs: number;
  /** How often it was powered on; determines its boot_id. */
  boots: number;
};

const defaultFacts: Omit<BoardFacts, "mac"> = {
  firmware: "uefi",
  disks: [{ name: "vda", sizeBytes: 4 * 2 ** 30, serial: "root-disk" }],
  cpus: 4,
  memoryMiB: 2048,
  watchdog: true,
  nicDriver: "virtio_net",
  linkAfterMs: 300,
  otherNics: [],
  secureBoot: false,
  grubWrites: true,
  grubMeasures: false,
  grubUsesStub: false,
  failedEntries: 1,
  nvramBytes: 64 * 4096,
  discards: false,
};

/** OVMF's own entry for the network: PciRoot, Pci, MAC(), IPv4(). */
const networkEntry = `01000000590050005800450000000${"2010c00d041030a00000000010106000003030b2500525400123456"}${"00".repeat(27)}030c1b00${"00".repeat(23)}7fff0400`;

/** A new machine: empty disks, and firmware that boots from the network. */
export function makeBoard(facts: Partial<BoardFacts> & Pick<BoardFacts, "mac">): Board {
  const whole = { ...defaultFacts, ...facts };
  const nvram = makeFileSystem({ type: "efivarfs", capacityBytes: whole.nvramBytes });
  const fill = fillTree(nvram);
  const variable = (name: string, value: Uint8Array) => fill.bytes(`/${name}`, lastingVariable(value));
  variable(globalVariable("SecureBoot"), Uint8Array.of(whole.secureBoot ? 1 : 0));
  variable(bootOptionVariable(0), bytesFromHex(networkEntry) ?? new Uint8Array());
  variable(globalVariable("BootOrder"), writeBootOrder([0]));
  variable(globalVariable("BootCurrent"), Uint8Array.of(0, 0));
  const disks = new Map(whole.disks.map((disk) => [disk.name, makeDisk(disk)]));
  return {
    ...{ facts: whole, disks, devices: devicesOf(whole.disks, disks) },
    nvram,
    kept: new Map(),
    fileSystems: new Map(),
    rtcSkewMs: 0,
    boots: 0,
  };
}

/** The firmware's variables as it lists them to a new mount, which show that some were not deleted. */
export function mountedVariables({ facts, nvram, kept }: Board): FileSystem {
  if (facts.keptVariables === undefined) return nvram;
  for (const [name, content] of kept) if (!nvram.root.entries.has(name)) fillTree(nvram).bytes(`/${name}`, content);
  for (const [name, number] of nvram.root.entries)
    if (facts.keptVariables.test(name)) kept.set(name, nvram.get(number).data.slice(0, nvram.get(number).size));
  return nvram;
}

/** Puts other disks into a machine without power. One that was there under the same name and serial number keeps what it holds. */
export function changeDisks(board: Board, disks: readonly DiskFacts[]): void {
  const stays = ({ name, serial }: DiskFacts) =>
    board.facts.disks.some((before) => before.name === name && before.serial === serial);
  board.disks = new Map(
    disks.map((disk) => [disk.name, (stays(disk) ? board.disks.get(disk.name) : undefined) ?? makeDisk(disk)]),
  );
  board.devices = devicesOf(disks, board.disks, board.devices);
  board.facts = { ...board.facts, disks };
}

/** The firmware of each disk that has some; one that was there before keeps its state. */
function devicesOf(
  facts: readonly DiskFacts[],
  disks: ReadonlyMap<string, Disk>,
  before: ReadonlyMap<string, DeviceFirmware> = new Map(),
): ReadonlyMap<string, DeviceFirmware> {
  return new Map(
    facts.flatMap(({ name, device }) => {
      const disk = disks.get(name);
      if (device === undefined || disk === undefined) return [];
      return [[name, before.get(name) ?? device(disk)]];
    }),
  );
}

/** Cuts the power. A variable without content was never stored. */
export function cutPower(board: Board, unsynced: Unsynced): void {
  for (const disk of board.disks.values()) disk.cutPower(unsynced);
  for (const fileSystem of board.fileSystems.values()) fileSystem.cutPower(unsynced);
  for (const [name, number] of [...board.nvram.root.entries])
    if (board.nvram.get(number).size === 0) fillTree(board.nvram).remove(`/${name}`);
}
