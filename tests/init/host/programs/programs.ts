import { textFromBytes } from "../../../../src/core/bytes/text.ts";
import { rootPaths } from "../../../../src/core/install/paths.ts";
import { isDisk, windowOn } from "../storage/block-device.ts";
import {
  type DiskFileSystem,
  formatDevice,
  luksDataOffset,
  openLuks,
  type PartitionRow,
  wipeSignatures,
  writeLuksHeader,
  writePartitionTable,
} from "../storage/on-disk.ts";
import { randomBytes } from "../system/random.ts";
import { changeDevice, deviceAt, failed, option, type Program, succeeded } from "./program.ts";

/** sfdisk(8) with a script on standard input. */
const sfdisk: Program = ({ kernel, argv, input }) => {
  const path = argv.at(-1) ?? "";
  const script = textFromBytes(input);
  const disk = deviceAt(kernel, path);
  if (!isDisk(disk)) return failed(argv, "not a disk");
  const sectorBytes = Number(/^sector-size: (\d+)$/m.exec(script)?.[1]);
  const rows: PartitionRow[] = [...script.matchAll(/^start=(\d+), size=(\d+), type=([^,]+), uuid=([^,]+)/gm)].map(
    ([, first, count, , uuid = ""], index) => ({ number: index + 1, first: Number(first), count: Number(count), uuid }),
  );
  if (rows.length === 0) return failed(argv, "the script has no partitions");
  if (rows.some((row) => (row.first + row.count) * sectorBytes > disk.sizeBytes)) return failed(argv, "no space left");
  changeDevice(kernel, path, wipeSignatures);
  for (const row of rows)
    changeDevice(kernel, path, (device) => {
      const [offset, sizeBytes] = [row.first * sectorBytes, row.count * sectorBytes];
      wipeSignatures(windowOn(device, { name: "", offset, sizeBytes }));
    });
  changeDevice(kernel, path, () => {
    writePartitionTable(disk, rows);
    disk.flush();
  });
  return succeeded;
};

/** cryptsetup(8): luksFormat and open, with a key from a file or its input, and a plain mapping with a key of this boot. */
const cryptsetup: Program = ({ kernel, argv, env, input }) => {
  if (env.DM_DISABLE_UDEV !== "1") return failed(argv, "waiting for udev, which is not there");
  if (option(argv, "--type") === "plain") {
    const [path = "", name = ""] = argv.slice(-2);
    const device = deviceAt(kernel, path);
    const pad = randomBytes(kernel.chance, 64);
    kernel.blocks.add(`/dev/mapper/${name}`, windowOn(device, { name, offset: 0, sizeBytes: device.sizeBytes, pad }));
    return succeeded;
  }
  const [offset, size] = [option(argv, "--keyfile-offset"), option(argv, "--keyfile-size")].map(Number);
  const keyFile = option(argv, "--key-file");
  const file = keyFile === "-" ? input : kernel.readFile(keyFile);
  const key = file.subarray(offset, (offset ?? 0) + (size ?? 0));
  if (key.length !== size) return failed(argv, "the key file is too short");
  if (!["dm_mod", "dm_crypt", "xts"].every(kernel.isLoaded)) return failed(argv, "cannot initialize device-mapper");
  const isFormat = argv[1] === "luksFormat";
  const path = argv.at(isFormat ? -1 : -2) ?? "";
  if (isFormat) {
    changeDevice(kernel, path, wipeSignatures);
    changeDevice(kernel, path, (device) => {
      writeLuksHeader(device, key, Buffer.from(randomBytes(kernel.chance, 8)).toString("hex"));
      device.flush();
    });
    return succeeded;
  }
  const device = deviceAt(kernel, path);
  const pad = openLuks(device, key);
  if (pad === "noVolume") return failed(argv, `Device ${path} is not a valid LUKS device.`);
  if (pad === "wrongKey") return { status: 2, output: "No key available with this passphrase.\n" };
  const name = `/dev/mapper/${argv.at(-1)}`;
  if (kernel.blocks.get(name) !== undefined) return { status: 5, output: `Device ${argv.at(-1)} already exists.\n` };
  const sizeBytes = device.sizeBytes - luksDataOffset;
  kernel.blocks.add(name, windowOn(device, { name, offset: luksDataOffset, sizeBytes, pad }));
  return succeeded;
};

function makeFileSystem(type: DiskFileSystem): Program {
  return ({ kernel, argv }) => {
    const path = argv.at(-1) ?? "";
    changeDevice(kernel, path, wipeSignatures);
    changeDevice(kernel, path, (device) => {
      formatDevice(kernel.board, device, type);
      device.flush();
    });
    return succeeded;
  };
}

/** ld.so(8) `--list`. */
const listLibraries: Program = () => ({
  status: 0,
  output: "\tlinux-vdso.so.1 (0x00007ffd00000000)\n\tlibc.so.6 => /lib/libc.so.6 (0x00007f0000000000)\n",
});

/** modprobe(8) `-a`. */
const modprobe: Program = ({ kernel, argv }) => {
  for (const name of argv.slice(1)) if (!name.startsWith("-")) kernel.loadModule(name);
  return succeeded;
};

/** mkswap(8), as far as blkid(8) sees it. */
const mkswap: Program = ({ kernel, argv }) => {
  changeDevice(kernel, argv.at(-1) ?? "", (device) => device.write(4096 - 10, Buffer.from("SWAPSPACE2")));
  return succeeded;
};

/** swapon(8). */
const swapon: Program = ({ kernel, argv }) => {
  const mark = Buffer.from(deviceAt(kernel, argv.at(-1) ?? "").read(4096 - 10, 10)).toString();
  return mark === "SWAPSPACE2" ? succeeded : failed(argv, "read swap header failed");
};

/** The unlocker that a birth has copied to the root: the dynamic loader with cryptsetup as its argument. */
const unlocker: Program = (given) => cryptsetup({ ...given, argv: given.argv.slice(3) });

/** systemctl(1) `reboot`: systemd stops everything and restarts the machine some seconds later. */
const systemctl: Program = ({ kernel, argv }) => {
  if (argv[1] !== "reboot") return failed(argv, `unknown command ${argv[1]}`);
  const restart = () => {
    kernel.sync();
    kernel.cpu.end({ kind: "restarted", how: "restart" });
  };
  kernel.cpu.alarms.add({ atMs: kernel.cpu.monotonicMs() + 5000, ring: restart });
  return succeeded;
};

/** Programs by their paths in the image; a program at another path cannot be started. */
export const programs: { readonly [path: string]: Program } = {
  "/usr/sbin/sfdisk": sfdisk,
  "/usr/sbin/cryptsetup": cryptsetup,
  "/usr/sbin/mke2fs": makeFileSystem("ext4"),
  "/usr/sbin/mkfs.vfat": makeFileSystem("vfat"),
  "/usr/sbin/mkfs.xfs": makeFileSystem("xfs"),
  "/lib64/ld-linux-x86-64.so.2": listLibraries,
  "/usr/bin/systemctl": systemctl,
  [`${rootPaths.unlock}/lib/ld-linux-x86-64.so.2`]: unlocker,
  "/sbin/modprobe": modprobe,
  "/sbin/mkswap": mkswap,
  "/sbin/swapon": swapon,
};

/** Those of an installed system. */
export const imagePrograms = ["/usr/bin/systemctl", "/sbin/modprobe", "/sbin/mkswap", "/sbin/swapon"];
