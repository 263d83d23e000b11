import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { type CpioEntry, writeCpio } from "../core/bytes/cpio.ts";
import type { Log } from "../core/ports.ts";
import { cached, keyOf } from "./cached.ts";
import { runCommand } from "./command.ts";
import { type Component, divide } from "./components.ts";
import type { Target } from "./target.ts";

/** One of the archives that make up the initramfs. */
export type ArchivePlan = {
  readonly name: string;
  readonly entries: readonly CpioEntry[];
  /**
   * Programs and libraries compress better with xz' x86 filter, which makes call targets absolute (-5 %); kernel
   * modules compress worse (+8 %), because their calls are not linked yet.
   */
  readonly linkedCode: boolean;
  /** What a file belongs to in the breakdown of the image. */
  readonly componentOf: (path: string) => string;
};

/** A packed archive, and how its bytes divide among its components. */
export type PackedArchive = { readonly bytes: Buffer; readonly components: readonly Component[] };

/**
 * crc32 is the only check that the kernel's decoder knows (kernel: staging/xz). One thread gives the same bytes
 * everywhere.
 */
const xz = ["--check=crc32", "--threads=1", "--stdout"] as const;
const xzPreset = "--lzma2=preset=9e";

/** Concatenated archives; the kernel expects each to begin at a multiple of four bytes. */
const align = 4;

/** A compressed archive, from the cache if the same archive was packed before. */
export async function compressedArchive(
  { name, entries, linkedCode, componentOf }: ArchivePlan,
  { target, cacheDirectory, log }: { readonly target: Target; readonly cacheDirectory: string; readonly log: Log },
): Promise<PackedArchive> {
  const archive = writeCpio(entries);
  const command = ["xz", ...(linkedCode ? target.xzFilter : []), xzPreset, ...xz] as const;
  const directory = await cached(
    cacheDirectory,
    `${name}-${keyOf(["weighed", ...command, archive])}`,
    async (draft) => {
      log("info", "compressing a part of the Bootstrap Image", { part: name, bytes: archive.length });
      await writeFile(join(draft, "archive"), await runCommand([...command], { input: archive }));
      const weights = entries.map((entry) => (entry.kind === "file" ? deflateRawSync(entry.bytes).length : 0));
      await writeFile(join(draft, "weights.json"), JSON.stringify(weights));
    },
  );
  const packed = await readFile(join(directory, "archive"));
  const bytes = Buffer.concat([packed, Buffer.alloc((align - (packed.length % align)) % align)]);
  const weights: readonly number[] = JSON.parse(await readFile(join(directory, "weights.json"), "utf8"));
  const weighed = entries.map((entry, index) => ({ name: componentOf(entry.path), weight: weights[index] ?? 0 }));
  return { bytes, components: divide(name, weighed, bytes.length) };
}
