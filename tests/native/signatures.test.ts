import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runProgram } from "./native-program.ts";

const mib = 2 ** 20;
const diskBytes = 256 * mib;
/** Where its partitions are. */
const partitions = [
  { at: 1 * mib, length: 64 * mib },
  { at: 65 * mib, length: 64 * mib },
  { at: 129 * mib, length: 126 * mib },
] as const;

const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: "utf8", stdio: "pipe" });

/** What util-linux finds on a file or device from an offset on; empty if nothing. */
function signaturesAt(path: string, offset: number): string {
  try {
    return run("blkid", "--probe", "--offset", String(offset), "--output", "export", path);
  } catch (error) {
    assert.equal(error instanceof Error && "status" in error && error.status, 2, "blkid found nothing");
    return "";
  }
}

/** A disk of zeros as a file, in a directory of its own. */
function emptyDisk(t: { readonly after: (end: () => void) => void }) {
  const directory = mkdtempSync(join(tmpdir(), "birther-signatures-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = (name: string, sizeBytes: number): string => {
    writeFileSync(join(directory, name), "");
    truncateSync(join(directory, name), sizeBytes);
    return join(directory, name);
  };
  return { directory, file, disk: file("disk", diskBytes) };
}

/** What init says about the disk behind this loop device. */
function eraseOn(t: { readonly after: (end: () => void) => void }, directory: string, disk: string, ...how: string[]) {
  const device = run("losetup", "--find", "--show", "--partscan", ...how, disk).trim();
  t.after(() => run("losetup", "--detach", device));
  return { device, said: runProgram(directory, "signatures", [device, String(diskBytes)]) };
}

test("a real kernel and util-linux: table, file systems and swap are gone, also where the same partitions return", async (t) => {
  const { directory, file, disk } = emptyDisk(t);
  const table = ["label: gpt", ...partitions.map(({ at, length }) => `start=${at / 512}, size=${length / 512}`)].join(
    "\n",
  );
  execFileSync("sfdisk", ["--quiet", disk], { input: table });
  const [first, second, third] = partitions;
  const makers: readonly (readonly [part: (typeof partitions)[number], make: (path: string) => unknown])[] = [
    [first, (path) => run("mke2fs", "-q", "-F", "-t", "ext4", path)],
    [second, (path) => run("mkswap", path)],
    [third, (path) => run("mkfs.vfat", path)],
  ];
  const descriptor = openSync(disk, "r+");
  for (const [{ at, length }, make] of makers) {
    const made = file(`part-${at}`, length);
    make(made);
    writeSync(descriptor, readFileSync(made), 0, length, at);
  }
  assert.match(signaturesAt(disk, 0), /PTTYPE=gpt/);
  assert.deepEqual(
    partitions.map(({ at }) => /^TYPE=(\w+)$/m.exec(signaturesAt(disk, at))?.[1]),
    ["ext4", "swap", "vfat"],
  );
  const { device, said } = eraseOn(t, directory, disk);
  assert.deepEqual(await said, { found: ["GPT"] });
  assert.equal(run("wipefs", device), "");
  execFileSync("sfdisk", ["--quiet", "--wipe", "never", "--no-reread", "--no-tell-kernel", device], { input: table });
  assert.deepEqual(
    partitions.map(({ at }) => signaturesAt(device, at)),
    ["", "", ""],
  );
});

test("a real kernel and cryptsetup: a LUKS volume on a whole disk is gone", async (t) => {
  const { directory, file, disk } = emptyDisk(t);
  const key = file("key", 64);
  run("cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--pbkdf", "pbkdf2", "--key-file", key, disk);
  const { device, said } = eraseOn(t, directory, disk);
  assert.deepEqual(await said, { found: ["LUKS"] });
  assert.equal(run("wipefs", device), "");
  assert.deepEqual(readFileSync(disk).subarray(0, 16 * mib), Buffer.alloc(16 * mib), "with its key slots");
});

test("a disk that takes no writes is named, and keeps what it has", async (t) => {
  const { directory, disk } = emptyDisk(t);
  run("mkswap", disk);
  const before = readFileSync(disk);
  const { device, said } = eraseOn(t, directory, disk, "--read-only");
  const { error } = await said;
  assert.match(error, new RegExp(`^(open|write) ${device}: `));
  assert.deepEqual(readFileSync(disk), before);
});
