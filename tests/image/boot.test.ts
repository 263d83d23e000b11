import assert from "node:assert/strict";
import { mkdtemp, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { buildBootstrapImage } from "../../src/bootstrap-image/build.ts";
import { runCommand } from "../../src/bootstrap-image/command.ts";
import { bundleForQuickJs } from "../../src/bootstrap-image/program/bundle.ts";
import { writeCpio } from "../../src/core/bytes/cpio.ts";
import { cacheDirectory } from "../../src/main/paths.ts";
import { debianOf } from "../support/debian.ts";
import { startQemuOnConsole } from "../support/qemu-on-console.ts";

/** Limits of the whole image on the wire (Debian 13's kernel alone has 4 MB more), and cards whose firmware is a second archive. */
const images = [
  { suite: "trixie", profile: "generic", limit: 24e6, families: ["bnx2x", "qede"] },
  { suite: "trixie", profile: "virtual", limit: 19e6, families: [] },
  { suite: "trixie-backports", profile: "generic", limit: 28e6, families: [] },
  { suite: "bookworm", profile: "generic", limit: 20e6, families: [] },
] as const;
const firmwareChecks = [
  "firmware: bnx2x qede",
  "modprobe bnx2x",
  "modprobe qede",
  "firmware files: true true",
  "modules of the image: true",
] as const;
const limitMs = 600_000;
const diskBytes = 1 << 29;
/** Where in-image.ts makes its LUKS volume: 1 MiB for the table, two partitions of 64 MiB. */
const volume = { at: 129 << 20, bytes: 32 << 20 } as const;
const key = Uint8Array.from({ length: 64 }, (_, index) => index);

const checks = [
  "mounts",
  "loadModule",
  ...["virtio_pci", "virtio_blk", "virtio_net", "i6300esb", "dm_crypt", "algif_skcipher"].map(
    (name) => `modprobe ${name}`,
  ),
  "disk: 536870912",
  "sfdisk: 782336",
  "mkfs.vfat: Grüße.txt",
  "cryptsetup: No key available with this passphrase.",
  "cryptsetup by Debian: true",
  "mkfs.ext4: true,true,true",
  "mkfs.xfs: 0 XFSB",
  "setImmutable: true",
  "flushDeviceCache",
  "watchdog: 40",
  "network: eth0 00000000 0302000A;eth0 0002000A 00000000;",
  "packets: 2 undefined",
  "clock and name: 2027 born",
  "burn-in: true 0",
  "boot loaders: boot.img,bootx64-tpm.efi,bootx64.efi,core.img",
  "shell: /bin/busybox",
];

/** Runs this computer's cryptsetup with the key of in-image.ts. Its exit status is that of the promise. */
async function debianCryptsetup(...words: readonly string[]): Promise<void> {
  await runCommand(["cryptsetup", ...words], { input: key });
}

/** A file with a LUKS volume that Debian's cryptsetup has made. */
async function volumeOfDebian(directory: string): Promise<string> {
  const path = join(directory, "debian.luks");
  await writeFile(path, "");
  await truncate(path, volume.bytes);
  const derivation = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];
  await debianCryptsetup("luksFormat", "--batch-mode", "--type", "luks2", ...derivation, "--key-file", "-", path);
  return path;
}

/** Throws unless Debian's cryptsetup finds the key in the volume on the machine's disk. */
async function openWithDebian(disk: string, directory: string): Promise<void> {
  const path = join(directory, "ours.luks");
  const file = await open(disk);
  const { buffer } = await file.read(Buffer.alloc(volume.bytes), 0, volume.bytes, volume.at);
  await file.close();
  await writeFile(path, buffer);
  await debianCryptsetup("open", "--test-passphrase", "--key-file", "-", path);
}

/** Boots kernel and initramfs in QEMU until the machine resets, and returns its serial console. */
async function boot(kernel: string, initramfs: string, disks: readonly string[]): Promise<string> {
  const devices = [
    ...["-smp", "2", "-no-reboot"],
    ...["-kernel", kernel, "-initrd", initramfs, "-append", "console=ttyS0 panic=30 quiet"],
    ...disks.flatMap((disk) => ["-drive", `file=${disk},format=raw,if=virtio`]),
    ...["-device", "i6300esb"],
    ...["-netdev", "user,id=n,restrict=on", "-device", "virtio-net-pci,netdev=n,romfile="],
  ];
  let said = "";
  for await (const piece of startQemuOnConsole(devices, limitMs).stdout) said += piece;
  return said;
}

for (const { suite, profile, limit, families } of images)
  test(`${suite}, ${profile}: the Bootstrap Image boots, every tool and system call in it works, and a dying PID 1 prints the reason and reboots`, async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "birther-boot-"));
    try {
      const image = await buildBootstrapImage({
        debian: await debianOf(suite),
        cacheDirectory,
        outputDirectory: directory,
        caPem: "none",
        firmware: families,
        profile,
        log: () => undefined,
      });
      t.diagnostic(`kernel ${image.kernelBytes} + initramfs ${image.initramfsBytes} = ${image.totalBytes} bytes`);
      assert.ok(image.totalBytes <= limit, `${image.totalBytes} bytes are more than ${limit}`);
      assert.equal(
        image.components.reduce((sum, { bytes }) => sum + bytes, 0),
        image.totalBytes,
      );
      const parts = new Set(image.components.map(({ part }) => part));
      assert.deepEqual([...parts], ["kernel", "modules", "system", "programs", "CA file"]);
      // A later archive replaces files of an earlier one, here init.js.
      const bytes = await bundleForQuickJs({ entry: join(import.meta.dirname, "in-image.ts") });
      const script = writeCpio([{ kind: "file", path: "usr/lib/birther/init.js", mode: 0o644, bytes }]);
      const initramfs = join(directory, "test.img");
      const { firmware } = image;
      const second = firmware === undefined ? [] : [await readFile(join(directory, "firmware.img"))];
      if (firmware !== undefined) {
        t.diagnostic(`firmware of ${firmware.families.join(", ")}: ${firmware.bytes} bytes`);
        assert.equal(
          firmware.components.reduce((sum, { bytes: each }) => sum + each, 0),
          firmware.bytes,
        );
      }
      await writeFile(initramfs, Buffer.concat([await readFile(image.initramfsPath), ...second, script]));
      const disk = join(directory, "disk.raw");
      await writeFile(disk, "");
      await truncate(disk, diskBytes);
      const said = (await boot(image.kernelPath, initramfs, [disk, await volumeOfDebian(directory)])).replaceAll(
        "\r",
        "",
      );
      t.diagnostic(said);
      for (const each of [...checks, ...(firmware === undefined ? ["no firmware"] : firmwareChecks)])
        assert.ok(said.includes(`ok ${each}`), `not said: ok ${each}\n${said}`);
      assert.doesNotMatch(said, /not ok/);
      await openWithDebian(disk, directory);
      assert.match(said, /new root: .*birther-agent,lost\+found,usr/);
      assert.match(said, /Error: the end of birther-agent\n\s+at <anonymous> \(\/usr\/local\/lib\/birther\/agent\.js/);
      assert.match(said, /PID 1 ended; the machine reboots in 20 seconds/);
      assert.doesNotMatch(said, /Kernel panic/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
