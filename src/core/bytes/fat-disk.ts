/**
 * A FAT16 disk without partitions, as UEFI HTTP boot starts it from memory (UEFI 2.10 §24.7.3.1, "RAM disk"). Each file
 * is contiguous, so its bytes can be replaced later by others of the same length. It is written once and never changed
 * by a file system, so it has no dates and no long names.
 */

/** A file with its path: directories and 8.3 names in capitals, e.g. `EFI/BOOT/BOOTX64.EFI`. */
export type DiskFile = { readonly path: string; readonly bytes: Uint8Array };

export type FatDisk = {
  readonly bytes: Uint8Array;
  /** The offset of each file's content, in bytes. */
  readonly offsets: ReadonlyMap<string, number>;
};

const sectorBytes = 512;
const clusterBytes = 4096;
const rootEntries = 512;
const entryBytes = 32;
/** With fewer clusters it would be FAT12, with more FAT32 (Microsoft's FAT specification, "FAT type determination"). */
const leastClusters = 4200;
const mostClusters = 65_000;
const lastOfChain = 0xffff;

type Node = { readonly path: string; readonly bytes: Uint8Array | undefined; readonly cluster: number };

/** Writes the disk; throws if the files do not fit into FAT16, or if a name is not in 8.3 form. */
export function writeFatDisk(files: readonly DiskFile[]): FatDisk {
  const nodes: Node[] = [];
  let cluster = 2;
  const add = (path: string, bytes: Uint8Array | undefined): void => {
    nodes.push({ path, bytes, cluster });
    cluster += clustersOf(bytes);
  };
  for (const path of directoriesOf(files)) add(path, undefined);
  for (const { path, bytes } of files) add(path, bytes);

  const clusters = Math.max(cluster - 2, leastClusters);
  if (clusters > mostClusters) throw new Error(`${clusters} clusters do not fit on a FAT16 disk`);
  const fatSectors = Math.ceil(((clusters + 2) * 2) / sectorBytes);
  const rootSector = 1 + 2 * fatSectors;
  const dataSector = rootSector + (rootEntries * entryBytes) / sectorBytes;
  const sectors = dataSector + (clusters * clusterBytes) / sectorBytes;
  const disk = new Uint8Array(sectors * sectorBytes);
  const at = (of: number): number => dataSector * sectorBytes + (of - 2) * clusterBytes;

  writeBootSector(disk, { sectors, fatSectors });
  const fat = new Uint8Array(fatSectors * sectorBytes);
  little(fat, 0, 2, 0xfff8);
  little(fat, 2, 2, lastOfChain);
  for (const node of nodes) {
    const count = clustersOf(node.bytes);
    for (let i = 0; i < count; i += 1)
      little(fat, (node.cluster + i) * 2, 2, i === count - 1 ? lastOfChain : node.cluster + i + 1);
    if (node.bytes === undefined) disk.set(directory(node, nodes), at(node.cluster));
    else disk.set(node.bytes, at(node.cluster));
  }
  disk.set(fat, sectorBytes);
  disk.set(fat, (1 + fatSectors) * sectorBytes);
  disk.set(entriesOf("", nodes), rootSector * sectorBytes);
  return { bytes: disk, offsets: new Map(nodes.map((node) => [node.path, at(node.cluster)])) };
}

function clustersOf(bytes: Uint8Array | undefined): number {
  return Math.max(1, Math.ceil((bytes?.length ?? 0) / clusterBytes));
}

/** All directories that contain files, parents first. */
function directoriesOf(files: readonly DiskFile[]): readonly string[] {
  const found = new Set<string>();
  for (const { path } of files) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) found.add(parts.slice(0, depth).join("/"));
  }
  return [...found];
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function directory(self: Node, nodes: readonly Node[]): Uint8Array {
  const parent = nodes.find(({ path }) => path === parentOf(self.path));
  // For its children, the root is cluster 0.
  const dots = [entry(".          ", self), entry("..         ", { bytes: undefined, cluster: parent?.cluster ?? 0 })];
  return joined([...dots, entriesOf(self.path, nodes)]);
}

function entriesOf(path: string, nodes: readonly Node[]): Uint8Array {
  return joined(nodes.filter((node) => parentOf(node.path) === path).map((node) => entry(shortName(node.path), node)));
}

function entry(name: string, node: Pick<Node, "bytes" | "cluster">): Uint8Array {
  const bytes = new Uint8Array(entryBytes);
  for (let i = 0; i < 11; i += 1) bytes[i] = name.charCodeAt(i);
  bytes[11] = node.bytes === undefined ? 0x10 : 0x20;
  little(bytes, 26, 2, node.cluster);
  little(bytes, 28, 4, node.bytes?.length ?? 0);
  return bytes;
}

function shortName(path: string): string {
  const name = path.slice(parentOf(path).length).replace("/", "");
  const match = /^([A-Z0-9_-]{1,8})(?:\.([A-Z0-9]{1,3}))?$/.exec(name);
  if (match === null) throw new Error(`${path} is not a name in 8.3`);
  const [, base = "", extension = ""] = match;
  return base.padEnd(8) + extension.padEnd(3);
}

function writeBootSector(disk: Uint8Array, of: { readonly sectors: number; readonly fatSectors: number }): void {
  disk.set([0xeb, 0x3c, 0x90, ...letters("BIRTHER ")], 0);
  little(disk, 11, 2, sectorBytes);
  disk[13] = clusterBytes / sectorBytes;
  little(disk, 14, 2, 1);
  disk[16] = 2;
  little(disk, 17, 2, rootEntries);
  little(disk, 19, 2, of.sectors < 65_536 ? of.sectors : 0);
  disk[21] = 0xf8;
  little(disk, 22, 2, of.fatSectors);
  // Nothing uses the geometry, but some readers reject zeros.
  little(disk, 24, 2, 32);
  little(disk, 26, 2, 64);
  little(disk, 32, 4, of.sectors < 65_536 ? 0 : of.sectors);
  disk[36] = 0x80;
  disk[38] = 0x29;
  disk.set([...letters("NO NAME    "), ...letters("FAT16   ")], 43);
  disk.set([0x55, 0xaa], 510);
}

function letters(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0));
}

function little(bytes: Uint8Array, at: number, size: number, value: number): void {
  for (let i = 0; i < size; i += 1) bytes[at + i] = Math.floor(value / 256 ** i) % 256;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
