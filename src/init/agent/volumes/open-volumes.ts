import * as host from "host";
import * as std from "std";
import { type MachineVolume, mapperNameOf, swapName, volumeKeyBytes } from "../../../core/install/machine-volumes.ts";
import { rootPaths } from "../../../core/install/paths.ts";
import { messageOf } from "../../birth/stop.ts";
import { sleepMs } from "../../system/clock.ts";
import { exists, list, makeDirectories } from "../../system/files.ts";
import { run, runOrThrow } from "../../system/run.ts";
import { isMounted } from "./mounted.ts";
import { readVolumes } from "./read-volumes.ts";

/** Time for all disks together to appear: drives of a large machine start one after the other. */
const appearMs = 90_000;
const pauseMs = 200;
/** As in the second initrd: what opens the root opens the volumes, whatever the image contains. */
const withoutUdev = { DM_DISABLE_UDEV: "1" };
/** A check of a file system that was not unmounted replays its journal; more than that takes minutes. */
const checkSeconds = 1500;

/** Programs of the image. */
const image = { modprobe: "/sbin/modprobe", mkswap: "/sbin/mkswap", swapon: "/sbin/swapon", check: "/sbin/e2fsck" };

/** Opens the volumes; what fails is said on the standard error output and makes the exit status 1. */
export function runVolumes(): never {
  const faults = openVolumes();
  for (const fault of faults) std.err.puts(`birther: ${fault}\n`);
  std.err.flush();
  std.exit(faults.length === 0 ? 0 : 1);
}

/**
 * Opens and mounts the volumes of this machine, and makes and uses its swap space; each for itself, and returns what fails. May be
 * repeated: what is open or mounted stays.
 */
export function openVolumes(): readonly string[] {
  const { swap, volumes } = readVolumes("");
  // Where the root is plain, no initrd has loaded them.
  run([image.modprobe, "-a", "-q", "dm_mod", "dm_crypt", "xts"]);
  const endMs = host.monotonicMs() + appearMs;
  const faults: string[] = [];
  const attempt = (name: string, work: () => void) => {
    try {
      work();
    } catch (error) {
      faults.push(`${name}: ${messageOf(error)}`);
    }
  };
  for (const volume of volumes) attempt(volume.name, () => openVolume(volume, endMs));
  if (swap !== undefined) attempt(swapName, () => useSwap(swap.partUuid, endMs));
  return faults;
}

function openVolume({ name, partUuid, keyFile, fileSystem, mountPoint }: MachineVolume, endMs: number): void {
  if (mountPoint !== undefined && isMounted(mountPoint)) return;
  const partition = awaitPartition(partUuid, endMs);
  const device = keyFile === undefined ? partition : openEncrypted(name, partition, keyFile);
  if (fileSystem === "none" || mountPoint === undefined) return;
  // By name, so that an image whose kernel has no such module is told from a damaged file system.
  runOrThrow([image.modprobe, fileSystem]);
  // The kernel replays the journal of XFS when it mounts it.
  if (fileSystem === "ext4") checkExt4(device);
  makeDirectories(mountPoint);
  host.mount(device, mountPoint, fileSystem, 0, "");
}

function openEncrypted(name: string, partition: string, keyFile: string): string {
  const mapperName = mapperNameOf(name);
  const device = `/dev/mapper/${mapperName}`;
  const range = ["--keyfile-offset", "0", "--keyfile-size", String(volumeKeyBytes)];
  if (!exists(device)) cryptsetup(["open", "--type", "luks2", "--key-file", keyFile, ...range, partition, mapperName]);
  return device;
}

/** A key of this boot only: what was swapped out cannot be read after it. */
function useSwap(partUuid: string, endMs: number): void {
  const mapperName = mapperNameOf(swapName);
  const device = `/dev/mapper/${mapperName}`;
  if (exists(device)) return;
  const partition = awaitPartition(partUuid, endMs);
  const cipher = ["--cipher", "aes-xts-plain64", "--key-size", "512", "--key-file", "/dev/urandom"];
  cryptsetup(["open", "--type", "plain", "--batch-mode", ...cipher, partition, mapperName]);
  runOrThrow([image.mkswap, device]);
  runOrThrow([image.swapon, device]);
}

/** The program that the birth has copied to the root, with its own loader and libraries: an image needs none. */
function cryptsetup(parameters: readonly string[]): void {
  const libraries = `${rootPaths.unlock}/lib`;
  const loader = list(libraries).find((name) => /^ld-linux.*\.so/.test(name));
  if (loader === undefined) throw new Error(`${libraries}: expected a dynamic loader (ld-linux*.so*), found none`);
  const program = [`${libraries}/${loader}`, "--library-path", libraries, `${rootPaths.unlock}/bin/cryptsetup`];
  runOrThrow([...program, ...parameters], { env: withoutUdev });
}

/** Exit statuses below 4: nothing was wrong, or it is corrected (e2fsck(8)). An image without the program leaves it to the kernel. */
function checkExt4(device: string): void {
  if (!exists(image.check)) return;
  const { status, output } = run([image.check, "-p", device], { timeoutSeconds: checkSeconds });
  if (status >= 4) throw new Error(`${image.check} -p ${device}: status ${status}: ${output.trim()}`);
}

function awaitPartition(partUuid: string, endMs: number): string {
  const path = `/dev/disk/by-partuuid/${partUuid}`;
  while (!exists(path)) {
    if (host.monotonicMs() > endMs)
      throw new Error(`expected the partition ${partUuid} within ${appearMs / 1000} s, found none: is its disk gone?`);
    sleepMs(pauseMs);
  }
  return path;
}
