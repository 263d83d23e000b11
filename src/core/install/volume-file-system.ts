/** What is made of a volume: a mounted file system, or a bare device for software that brings its own (Ceph, ZFS). */
export const volumeFileSystems = ["ext4", "xfs", "none"] as const;
export type VolumeFileSystem = (typeof volumeFileSystems)[number];

/** Where a file system is made, and for whom. */
export type NewFileSystem = {
  readonly device: string;
  /** The volume's name, up to 8 characters. */
  readonly name: string;
  readonly encrypted: boolean;
};

/** The program of the Bootstrap Image that makes a file system, with its arguments. */
export function makingCommand(
  type: Exclude<VolumeFileSystem, "none">,
  { device, name, encrypted }: NewFileSystem,
): readonly string[] {
  switch (type) {
    case "ext4": {
      // Behind a new key, old bytes are noise, and no old journal is among them: up to a gibibyte need not be written.
      const lazy = encrypted ? ["-E", "lazy_itable_init=1,lazy_journal_init=1"] : [];
      // Data is nobody's but its owner's: no blocks are kept for root.
      const own = ["-m", "0", "-L", `birther-${name}`];
      return ["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", ...lazy, ...own, device];
    }
    case "xfs": {
      // What Linux 5.10 and later mount, whatever the release of mkfs.xfs: the kernel is that of the system image.
      const features = ["-m", "crc=1,finobt=1,reflink=1,rmapbt=0,bigtime=0,inobtcount=0", "-i", "sparse=1,nrext64=0"];
      // Without a discard (-K), which the birth has done where it means anything. A label has 12 characters.
      return ["/usr/sbin/mkfs.xfs", "-q", "-f", "-K", ...features, "-L", name, device];
    }
  }
}

/** The smallest volume for a file system. mkfs.xfs refuses less than 300 MiB; a LUKS header takes 16. */
export const leastVolumeMiB: { readonly [type in VolumeFileSystem]: number } = { ext4: 64, xfs: 320, none: 64 };
