import { imagePaths } from "../../../src/core/install/paths.ts";
import { kernelRelease, moduleFiles } from "./devices/drivers.ts";
import { imagePrograms, programs } from "./programs/programs.ts";
import { type FileSystem, makeFileSystem } from "./storage/file-system.ts";
import { fillTree } from "./storage/pseudo-tree.ts";

/** GRUB's boot.img as far as patchBootImage reads it: a sector with a mark at its end. */
function grubBoot(): Uint8Array {
  const bytes = new Uint8Array(512).fill(0x90);
  bytes.set([0x55, 0xaa], 510);
  return bytes;
}

/** GRUB's core.img of three sectors, with its own block list. */
function grubCore(): Uint8Array {
  const bytes = new Uint8Array(3 * 512).fill(0x33);
  const view = new DataView(bytes.buffer);
  view.setUint16(0x1f4 + 8, 2, true);
  view.setUint16(0x1f4 + 10, 0x820, true);
  return bytes;
}

/** An EFI program of one section (PE32+), as far as its hash needs it. */
export function measuringGrub(): Uint8Array {
  const bytes = new Uint8Array(0x400).fill(0x11);
  const view = new DataView(bytes.buffer);
  view.setUint32(0x3c, 0x40, true);
  view.setUint32(0x40, 0x50450000);
  view.setUint16(0x46, 1, true);
  view.setUint16(0x54, 0xf0, true);
  view.setUint16(0x58, 0x20b, true);
  view.setUint32(0x58 + 60, 0x200, true);
  view.setUint32(0x58 + 148, 0, true);
  view.setUint32(0x148 + 16, 0x200, true);
  view.setUint32(0x148 + 20, 0x200, true);
  return bytes;
}

/** The contents of the Bootstrap Image's initramfs; `without` lists missing paths. */
export function bootstrapRoot(facts: { readonly caPem: string; readonly without?: readonly string[] }): FileSystem {
  const root = makeFileSystem({ type: "rootfs" });
  const fill = fillTree(root);
  for (const path of ["/dev", "/mnt", "/proc", "/run", "/sys", "/tmp"]) fill.directory(path);
  for (const [file, text] of moduleFiles()) fill.text(`/lib/modules/${kernelRelease}/${file}`, text);
  for (const path of Object.keys(programs).filter((each) => !imagePrograms.includes(each)))
    fill.text(path, `program ${path}`, 0o755);
  fill.text("/lib/libc.so.6", "libc");
  fill.text(imagePaths.native, "native program", 0o755);
  fill.text(imagePaths.watchdogScript, "watchdog script");
  fill.text(imagePaths.agentScript, "agent script");
  fill.text(imagePaths.caCertificate, facts.caPem);
  fill.bytes(imagePaths.grubBoot, grubBoot());
  fill.bytes(imagePaths.grubCore, grubCore());
  fill.text(imagePaths.grubEfi, "grub for UEFI");
  fill.bytes(imagePaths.grubEfiMeasuring, measuringGrub());
  for (const path of facts.without ?? []) fill.remove(path);
  return root;
}
