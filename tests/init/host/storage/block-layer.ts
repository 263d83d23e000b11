import type { Cpu } from "../system/cpu.ts";
import type { OpenFile } from "../system/descriptors.ts";
import { fault, isFault } from "../system/errno.ts";
import type { DeviceDrivers } from "../system/open-path.ts";
import { type BlockDevice, type Disk, isDisk, windowOn } from "./block-device.ts";
import { readPartitionTable } from "./on-disk.ts";
import type { TreeFiller } from "./pseudo-tree.ts";

/** The block devices of a running machine, by their paths in /dev. */
export type BlockLayer = {
  readonly get: (path: string) => BlockDevice | undefined;
  readonly add: (path: string, device: BlockDevice) => void;
  /** A disk with the partitions of its table. */
  readonly addDisk: (disk: Disk) => void;
  /** Makes the kernel read the table again; new partitions appear after a moment. */
  readonly rereadPartitions: (path: string) => void;
  readonly sync: () => void;
  /** The name in /dev of the device with this `MAJOR:MINOR`. */
  readonly named: (number: string) => string | undefined;
};

const firstRdev = 0xfe00;
/** devtmpfs needs a moment. */
const appearMs = 20;

/** Partitions have their names in Linux. */
function partitionPath(disk: string, number: number): string {
  return /\d$/.test(disk) ? `${disk}p${number}` : `${disk}${number}`;
}

/** Without devices. */
export function makeBlockLayer(deps: {
  readonly cpu: Cpu;
  readonly drivers: DeviceDrivers;
  readonly dev: TreeFiller;
  readonly sys: TreeFiller;
  readonly isMounted: (path: string) => boolean;
}): BlockLayer {
  const { cpu, drivers, dev, sys, isMounted } = deps;
  const numbers = new Map<string, string>();
  const devices = new Map<string, BlockDevice>();
  const parts = new Map<string, string[]>();
  let nextRdev = firstRdev;

  function add(path: string, device: BlockDevice): void {
    devices.set(path, device);
    drivers.set(nextRdev, (opened) => openDevice(opened, device));
    dev.remove(path.replace(/^\/dev/, ""));
    dev.node(path.replace(/^\/dev/, ""), "block", nextRdev);
    const [name, number] = [path.replace(/^.*\//, ""), `${nextRdev >> 8}:${nextRdev & 0xff}`];
    sys.text(`/class/block/${name}/dev`, `${number}\n`);
    numbers.set(number, name);
    nextRdev += 1;
  }
  function addPartitions(path: string, disk: Disk): void {
    const rows = tableOf(disk);
    parts.set(
      path,
      rows.flatMap((row) => {
        const [offset, sizeBytes] = [row.first * disk.sectorBytes, row.count * disk.sectorBytes];
        const name = partitionPath(path, row.number);
        const device = windowOn(disk, { name, offset, sizeBytes });
        add(name, device);
        // The second name is udev's; in the Bootstrap Image, nobody asks for it.
        const link = `/dev/disk/by-partuuid/${row.uuid}`;
        devices.set(link, device);
        dev.remove(link.replace(/^\/dev/, ""));
        dev.symlink(link.replace(/^\/dev/, ""), `../../${name.replace("/dev/", "")}`);
        return [name, link];
      }),
    );
  }
  return {
    get: (path) => devices.get(path),
    named: (number) => numbers.get(number),
    add,
    addDisk: (disk) => {
      add(`/dev/${disk.name}`, disk);
      addPartitions(`/dev/${disk.name}`, disk);
    },
    rereadPartitions: (path) => {
      const disk = devices.get(path);
      if (disk === undefined) throw fault("ENOENT");
      if (!isDisk(disk)) throw fault("EINVAL");
      const old = parts.get(path) ?? [];
      if (old.some(isMounted)) throw fault("EBUSY");
      for (const part of old) {
        devices.delete(part);
        dev.remove(part.replace(/^\/dev/, ""));
      }
      cpu.alarms.add({ atMs: cpu.monotonicMs() + appearMs, ring: () => addPartitions(path, disk) });
    },
    sync: () => {
      for (const device of devices.values()) device.flush();
    },
  };
}

/** The kernel shows no partitions of a disk that it cannot read. */
function tableOf(disk: Disk): ReturnType<typeof readPartitionTable> {
  try {
    return readPartitionTable(disk);
  } catch (error) {
    if (!isFault(error)) throw error;
    return [];
  }
}

function openDevice(path: string, device: BlockDevice): OpenFile {
  let at = 0;
  return {
    about: path,
    read: (buffer) => {
      const count = Math.max(0, Math.min(buffer.length, device.sizeBytes - at));
      buffer.set(device.read(at, count));
      at += count;
      return count;
    },
    write: (bytes) => {
      const count = Math.max(0, Math.min(bytes.length, device.sizeBytes - at));
      if (count === 0 && bytes.length > 0) throw fault("ENOSPC");
      device.write(at, bytes.subarray(0, count));
      at += count;
      return count;
    },
    seek: (offset, whence) => {
      at = whence === 0 ? offset : whence === 1 ? at + offset : device.sizeBytes + offset;
      return at;
    },
    sync: device.flush,
  };
}
