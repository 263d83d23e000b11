import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { moduleInfo, neededLibraries } from "./elf.ts";

/** A 64-bit ELF file with only the named sections; each may link to another by its index. */
function elf(sections: readonly { name: string; bytes: Buffer; link?: number }[]): Buffer {
  const strings = Buffer.from(["", ...sections.map(({ name }) => name), ".shstrtab"].join("\0").concat("\0"));
  const all = [{ name: "", bytes: Buffer.alloc(0) }, ...sections, { name: ".shstrtab", bytes: strings }];
  const file = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(file);
  let offset = file.length;
  const headers = all.map((section) => {
    const header = Buffer.alloc(64);
    header.writeUInt32LE(section.name === "" ? 0 : strings.indexOf(`${section.name}\0`), 0);
    header.writeUInt32LE(1, 4);
    header.writeBigUInt64LE(BigInt(offset), 24);
    header.writeBigUInt64LE(BigInt(section.bytes.length), 32);
    header.writeUInt32LE("link" in section ? (section.link ?? 0) + 1 : 0, 40);
    offset += section.bytes.length;
    return header;
  });
  file.writeBigUInt64LE(BigInt(offset), 0x28);
  file.writeUInt16LE(64, 0x3a);
  file.writeUInt16LE(all.length, 0x3c);
  file.writeUInt16LE(all.length - 1, 0x3e);
  return Buffer.concat([file, ...all.map(({ bytes }) => bytes), ...headers]);
}

function dynamicEntry(tag: bigint, value: bigint): Buffer {
  const entry = Buffer.alloc(16);
  entry.writeBigInt64LE(tag, 0);
  entry.writeBigInt64LE(value, 8);
  return entry;
}

test("a module's lines are read, including values with an equals sign", () => {
  const file = elf([{ name: ".modinfo", bytes: Buffer.from("alias=pci:v00001AF4d*\0depends=a,b\0\0parm=x:a=b\0") }]);
  assert.deepEqual(moduleInfo(file), [
    ["alias", "pci:v00001AF4d*"],
    ["depends", "a,b"],
    ["parm", "x:a=b"],
  ]);
});

test("a program's libraries are read in order; a static program needs none; a script is not an ELF file", async () => {
  const dynamic = Buffer.concat([
    dynamicEntry(1n, 1n),
    dynamicEntry(5n, 99n),
    dynamicEntry(1n, 6n),
    dynamicEntry(0n, 0n),
  ]);
  const file = elf([
    { name: ".dynamic", bytes: dynamic, link: 1 },
    { name: ".dynstr", bytes: Buffer.from("\0a.so\0libb.so.2\0") },
  ]);
  assert.deepEqual(neededLibraries(file), ["a.so", "libb.so.2"]);
  assert.deepEqual(neededLibraries(elf([])), []);
  assert.equal(neededLibraries(Buffer.from("#!/bin/sh\n")), undefined);
  assert.ok(neededLibraries(await readFile(process.execPath))?.includes("libc.so.6"));
});

test("a file without .modinfo is not a kernel module", () => {
  assert.throws(() => moduleInfo(elf([])), /expected a .modinfo section, found none/);
  assert.throws(() => moduleInfo(Buffer.from("nonsense")), /expected a .modinfo section, found none/);
});
