import type { BoardFacts, DiskFacts } from "../board.ts";

/** A driver: its module's file, its dependencies, and the alias of its devices. */
type Module = { readonly file: string; readonly needs?: readonly string[]; readonly alias?: string };

/** The modules of the Bootstrap Image's kernel that the fake machine has devices for. */
const modules: { readonly [name: string]: Module } = {
  virtio_blk: { file: "kernel/drivers/block/virtio_blk.ko", alias: "virtio:d00000002v*" },
  nvme: { file: "kernel/drivers/nvme/host/nvme.ko", alias: "pci:v*d*sv*sd*bc01sc08i02*" },
  sd_mod: { file: "kernel/drivers/scsi/sd_mod.ko", alias: "scsi:t-0x00*" },
  virtio_net: { file: "kernel/drivers/net/virtio_net.ko", alias: "virtio:d00000001v*" },
  i40e: { file: "kernel/drivers/net/ethernet/intel/i40e.ko", alias: "pci:v00008086d00001572sv*" },
  i6300esb: { file: "kernel/drivers/watchdog/i6300esb.ko", alias: "pci:v00008086d000025ABsv*" },
  softdog: { file: "kernel/drivers/watchdog/softdog.ko" },
  efivarfs: { file: "kernel/fs/efivarfs/efivarfs.ko" },
  ext4: { file: "kernel/fs/ext4/ext4.ko", needs: ["jbd2"] },
  jbd2: { file: "kernel/fs/jbd2/jbd2.ko" },
  vfat: { file: "kernel/fs/fat/vfat.ko" },
  nls_cp437: { file: "kernel/fs/nls/nls_cp437.ko" },
  nls_ascii: { file: "kernel/fs/nls/nls_ascii.ko" },
  dm_mod: { file: "kernel/drivers/md/dm-mod.ko" },
  dm_crypt: { file: "kernel/drivers/md/dm-crypt.ko", needs: ["dm_mod"] },
  md_mod: { file: "kernel/drivers/md/md-mod.ko" },
  raid1: { file: "kernel/drivers/md/raid1.ko", needs: ["md_mod"] },
  ecb: { file: "kernel/crypto/ecb.ko" },
  xts: { file: "kernel/crypto/xts.ko", needs: ["ecb"] },
};

/** Built into the kernel. */
const builtins = ["kernel/crypto/aes_generic.ko"];

/** The release of the Bootstrap Image's kernel. */
export const kernelRelease = "6.1.0-fake-amd64";

/** Texts of files by their paths below /lib/modules/RELEASE: the modules, and the output of depmod(8). */
export function moduleFiles(): ReadonlyMap<string, string> {
  const rows = Object.entries(modules);
  const fileOf = (name: string) => modules[name]?.file ?? "";
  return new Map([
    ...rows.map(([name, { file }]) => [file, `module ${name}`] as const),
    ["modules.dep", rows.map(([, { file, needs = [] }]) => `${file}: ${needs.map(fileOf).join(" ")}\n`).join("")],
    [
      "modules.alias",
      rows.flatMap(([name, { alias }]) => (alias === undefined ? [] : [`alias ${alias} ${name}\n`])).join(""),
    ],
    [
      "modules.firmware",
      "alias pci:v000014E4d0000168Esv*sd*bc*sc*i* bnx2x\nfile intel/ice/ddp/ice.pkg ice\ndriver ice ice\n",
    ],
    ["modules.builtin", builtins.map((file) => `${file}\n`).join("")],
  ]);
}

/** The module that drives a disk, by the disk's name in Linux. */
export function diskDriver({ name }: Pick<DiskFacts, "name">): string {
  return name.startsWith("vd") ? "virtio_blk" : name.startsWith("nvme") ? "nvme" : "sd_mod";
}

/** Devices by bus, as in /sys/bus/BUS/devices, each with its modalias. */
export function busDevices(facts: BoardFacts): readonly { readonly path: string; readonly modalias: string }[] {
  const buses: { readonly [module: string]: readonly [bus: string, modalias: string] } = {
    virtio_blk: ["virtio", "virtio:d00000002v00001AF4"],
    nvme: ["pci", "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02"],
    sd_mod: ["scsi", "scsi:t-0x00"],
    virtio_net: ["virtio", "virtio:d00000001v00001AF4"],
    i40e: ["pci", "pci:v00008086d00001572sv00000000"],
    i6300esb: ["pci", "pci:v00008086d000025ABsv00001AF4"],
  };
  const drivers = [...facts.disks.map(diskDriver), facts.nicDriver, ...(facts.watchdog ? ["i6300esb"] : [])];
  return drivers.flatMap((driver, index) => {
    const found = buses[driver];
    return found === undefined ? [] : [{ path: `/bus/${found[0]}/devices/${driver}-${index}`, modalias: found[1] }];
  });
}
