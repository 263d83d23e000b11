import { createHash } from "node:crypto";
import { agentProtocol } from "../../core/image/filter.ts";
import { type ImageManifest, type ImageSummary, summariseImage } from "../../core/image/manifest.ts";
import type { Inode, TreeEntry } from "../../core/image/tree.ts";
import { compareTree, comparisonOf } from "../../core/image/update/compare.ts";
import type { World } from "../../fleet/world.ts";

const sha512 = (text: string) => createHash("sha512").update(text).digest("hex");
const root = { uid: 0, gid: 0 } as const;

/** Files of an image: those that a system needs to start, and contents of this many bytes together. */
const needed = [
  "/bin/sh",
  "/boot/initrd.img-6.12.0",
  "/boot/vmlinuz-6.12.0",
  "/etc/os-release",
  "/lib64/ld-linux-x86-64.so.2",
  "/sbin/init",
  "/usr/lib/systemd/systemd",
];
const contents = 16;

/** The part of its large files that each version of an image has anew, besides its kernel. */
const changedContents = contents / 4;

/** Which files of a version differ from those of the version before. */
const isChanged = (path: string) => path.startsWith("/boot/") || Number(path.slice(-2)) < changedContents;

/** What an agent finds that compares its system with one of these images. */
export function comparing(images: Iterable<SimulatedImage>): World["compare"] {
  const all = [...images];
  const byManifest = new Map(all.map((image) => [image.summary.manifest.sha512, image.manifest]));
  const byName = new Map(all.map((image) => [image.summary.name, image.manifest]));
  return (running, { manifest, objects }) => {
    const image = byManifest.get(manifest);
    if (image === undefined) throw new Error(`manifest ${manifest}: expected one of a simulated image`);
    const have = byName.get(running ?? "")?.tree ?? { inodes: [], entries: [] };
    return comparisonOf(manifest, compareTree({ have, objects, protocol: agentProtocol }, image));
  };
}

export type SimulatedImage = { readonly manifest: ImageManifest; readonly summary: ImageSummary };

/** A bootable image of this size in a few large files: the Dominator decides by trees, and these are quick to compare. */
export function simulatedImage(name: string, bytes: number): SimulatedImage {
  const [stream = name] = name.split("/");
  const fileBytes = Math.floor(bytes / (needed.length + contents));
  const files = [
    ...needed,
    ...Array.from({ length: contents }, (_, n) => `/usr/lib/content-${String(n).padStart(2, "0")}`),
  ];
  const directories = [...new Set(files.flatMap(above))];
  const paths = [...directories, ...files].sort();
  const isDirectory = new Set(directories);
  const inodes = paths.map(
    (path): Inode =>
      isDirectory.has(path)
        ? { kind: "directory", mode: 0o755, ...root }
        : {
            kind: "regular",
            mode: 0o755,
            ...root,
            mtimeMs: 0,
            size: fileBytes,
            sha512: sha512(`${isChanged(path) ? name : stream}${path}`),
          },
  );
  const entries = paths.map((path, index): TreeEntry => [path, index]);
  const manifest: ImageManifest = { name, createdAtMs: 0, source: "simulated", filter: [], tree: { inodes, entries } };
  const content = { sha512: sha512(JSON.stringify(manifest)), size: JSON.stringify(manifest).length };
  return { manifest, summary: summariseImage(manifest, content) };
}

function above(path: string): readonly string[] {
  const parts = path.split("/").slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
}
