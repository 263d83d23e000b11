import type { Chance } from "../system/random.ts";

/** What happens to unsynced writes when the power is cut: all survive, none, or a random choice of pages. */
export type Unsynced =
  | { readonly kind: "kept" }
  | { readonly kind: "lost" }
  | { readonly kind: "partly"; readonly chance: Chance };

/** A block device: a disk, a partition, or the device of dm-crypt. Offsets and lengths are bytes within its size. */
export type BlockDevice = {
  readonly name: string;
  readonly sizeBytes: number;
  readonly read: (offset: number, length: number) => Uint8Array;
  readonly write: (offset: number, bytes: Uint8Array) => void;
  /** Writes everything to the medium. */
  readonly flush: () => void;
  /** Forgets the pages in a range at once; only of a whole disk. */
  readonly discard?: (offset: number, length: number) => void;
};

/** A disk; the contents of its medium survive a boot. */
export type Disk = BlockDevice & {
  readonly sectorBytes: number;
  /** Cuts the power: decides what becomes of unsynced writes. */
  readonly cutPower: (unsynced: Unsynced) => void;
  /** All pages that are not zero, to compare before and after. */
  readonly contents: () => ReadonlyMap<number, string>;
};

/** Whether a device is a whole disk. */
export function isDisk(device: BlockDevice): device is Disk {
  return "cutPower" in device;
}

const pageBytes = 4096;

/** A new disk of zeros; only written pages take memory. */
export function makeDisk(facts: {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sectorBytes?: number;
}): Disk {
  const medium = new Map<number, Uint8Array>();
  const dirty = new Map<number, Uint8Array>();
  const blank = new Uint8Array(pageBytes);

  function eachPage(
    offset: number,
    length: number,
    visit: (page: number, from: number, to: number, at: number) => void,
  ) {
    for (let at = 0; at < length; ) {
      const page = Math.floor((offset + at) / pageBytes);
      const from = (offset + at) % pageBytes;
      const to = Math.min(pageBytes, from + length - at);
      visit(page, from, to, at);
      at += to - from;
    }
  }
  function read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    eachPage(offset, length, (page, from, to, at) => {
      const found = dirty.get(page) ?? medium.get(page);
      if (found !== undefined) bytes.set(found.subarray(from, to), at);
    });
    return bytes;
  }
  function write(offset: number, bytes: Uint8Array): void {
    eachPage(offset, bytes.length, (page, from, to, at) => {
      const fresh = dirty.get(page) ?? (medium.get(page) ?? blank).slice();
      fresh.set(bytes.subarray(at, at + to - from), from);
      dirty.set(page, fresh);
    });
  }
  function flush(): void {
    for (const [page, bytes] of dirty) medium.set(page, bytes);
    dirty.clear();
  }
  function cutPower(unsynced: Unsynced): void {
    for (const [page, bytes] of dirty) {
      const survives = unsynced.kind === "kept" || (unsynced.kind === "partly" && unsynced.chance() < 0.5);
      if (survives) medium.set(page, bytes);
    }
    dirty.clear();
  }
  function contents(): ReadonlyMap<number, string> {
    const pages = new Map([...medium, ...dirty].map(([page, bytes]) => [page, Buffer.from(bytes).toString("base64")]));
    const zeros = Buffer.from(blank).toString("base64");
    return new Map([...pages].filter(([, text]) => text !== zeros).sort(([one], [other]) => one - other));
  }
  function discard(offset: number, length: number): void {
    for (const pages of [medium, dirty])
      for (const page of [...pages.keys()])
        if (page * pageBytes >= offset && (page + 1) * pageBytes <= offset + length) pages.delete(page);
  }
  return { sectorBytes: 512, ...facts, read, write, flush, discard, cutPower, contents };
}

/** A part of a device, such as a partition; `pad` is the repeated pattern that dm-crypt applies to the bytes. */
export function windowOn(
  device: BlockDevice,
  part: { readonly name: string; readonly offset: number; readonly sizeBytes: number; readonly pad?: Uint8Array },
): BlockDevice {
  const { name, offset, sizeBytes, pad } = part;
  const crypt = (bytes: Uint8Array, at: number): Uint8Array =>
    pad === undefined ? bytes : bytes.map((byte, index) => byte ^ (pad[(at + index) % pad.length] ?? 0));
  return {
    name,
    sizeBytes,
    read: (at, length) => crypt(device.read(offset + at, length), at),
    write: (at, bytes) => device.write(offset + at, crypt(bytes, at)),
    flush: device.flush,
  };
}
