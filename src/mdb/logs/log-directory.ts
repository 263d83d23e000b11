import { createHash } from "node:crypto";
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../core/error-code.ts";

/** The limits of the kept lines, in bytes: of one machine, and of all together. */
export type LogDirectoryLimits = { readonly perMachine: number; readonly total: number };

/** Lines to append, by machine. */
export type LogBatch = readonly (readonly [id: string, text: string])[];

/** The lines of all machines in a directory. For a thread of its own: every call waits for the disk. */
export type LogDirectory = {
  /** Throws if the disk refuses; what was written before that is kept. */
  readonly append: (batch: LogBatch) => void;
  readonly read: (id: string) => string;
  readonly forget: (id: string) => void;
};

/** The two files of a machine and their sizes; undefined: not looked at since the start. */
type Ring = { current: number; former: number; isWhole: boolean };

const suffix = { current: ".log", former: ".log.1" } as const;

/**
 * Two files for each machine: when one has half of what a machine may have, it replaces the older one. Nothing is flushed: a
 * power cut may cost the last seconds, and leaves at most one incomplete line. When all are too many, the machine that has
 * been silent for longest loses its lines.
 */
export function openLogDirectory(directory: string, limits: LogDirectoryLimits): LogDirectory {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  /** The machine that was heard last comes last. */
  const rings = readRings(directory);
  let total = 0;
  for (const { current, former } of rings.values()) total += current + former;
  const pathOf = (name: string, part: keyof typeof suffix) => join(directory, `${name}${suffix[part]}`);

  function remove(name: string, ring: Ring): void {
    rings.delete(name);
    total -= ring.current + ring.former;
    for (const part of ["current", "former"] as const) rmSync(pathOf(name, part), { force: true });
  }
  function appendTo(name: string, text: string): void {
    const bytes = Buffer.from(text).subarray(0, limits.perMachine / 2);
    const ring = rings.get(name) ?? { current: 0, former: 0, isWhole: true };
    if (ring.current > 0 && ring.current + bytes.length > limits.perMachine / 2) {
      renameSync(pathOf(name, "current"), pathOf(name, "former"));
      total -= ring.former;
      Object.assign(ring, { current: 0, former: ring.current, isWhole: true });
    }
    rings.delete(name);
    rings.set(name, ring);
    const written = appendBytes(pathOf(name, "current"), bytes, ring);
    ring.current += written;
    total += written;
  }
  function shorten(): void {
    for (const [name, ring] of rings) {
      if (total <= limits.total) return;
      remove(name, ring);
    }
  }
  return {
    append: (batch) => {
      for (const [id, text] of batch) appendTo(fileNameOf(id), text);
      shorten();
    },
    read: (id) => {
      const name = fileNameOf(id);
      return [readIfThere(pathOf(name, "former")), readIfThere(pathOf(name, "current"))].join("\n");
    },
    forget: (id) => {
      const name = fileNameOf(id);
      remove(name, rings.get(name) ?? { current: 0, former: 0, isWhole: true });
    },
  };
}

/** Ids that name a slot may hold any character. */
function fileNameOf(id: string): string {
  return /^[a-z0-9-]{1,64}$/.test(id) ? id : `x-${createHash("sha256").update(id).digest("hex")}`;
}

/** Appends to a file; if its last line is incomplete, what follows begins on a line of its own. Returns the bytes that it grew by. */
function appendBytes(path: string, bytes: Uint8Array, ring: Ring): number {
  const fd = openSync(path, "a+", 0o600);
  try {
    const start = ring.isWhole || endsLine(fd) ? 0 : writeSync(fd, "\n");
    // Until it is written, it may be written in part.
    ring.isWhole = false;
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    ring.isWhole = true;
    return start + bytes.length;
  } finally {
    closeSync(fd);
  }
}

function endsLine(fd: number): boolean {
  const { size } = fstatSync(fd);
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last[0] === 0x0a;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return "";
    throw error;
  }
}

/** What is in the directory, the machine that was silent for longest first. */
function readRings(directory: string): Map<string, Ring> {
  const found = new Map<string, Ring & { latestMs: number }>();
  for (const file of readdirSync(directory)) {
    const part = file.endsWith(suffix.former) ? "former" : file.endsWith(suffix.current) ? "current" : undefined;
    if (part === undefined) continue;
    const name = file.slice(0, -suffix[part].length);
    const { size, mtimeMs } = statSync(join(directory, file));
    const ring = found.get(name) ?? { current: 0, former: 0, isWhole: false, latestMs: 0 };
    found.set(name, { ...ring, [part]: size, latestMs: Math.max(ring.latestMs, mtimeMs) });
  }
  const bySilence = [...found].sort(([, a], [, b]) => a.latestMs - b.latestMs);
  return new Map(bySilence.map(([name, { current, former }]) => [name, { current, former, isWhole: false }]));
}
