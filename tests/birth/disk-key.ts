import { execFile } from "node:child_process";
import { open, readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";

const runFile = promisify(execFile);

/**
 * Header of an authenticated variable in EDK2's store (MdeModulePkg/Include/Guid/VariableFormat.h): bytes before the
 * name.
 */
const headerBytes = 60;
const startMark = 0x55aa;
/** VAR_ADDED: written completely and not deleted; every later state clears one more bit. */
const stateAdded = 0x3f;

/** The disk key in a machine's flash file, as hex; undefined if no valid variable holds one. */
export async function diskKeyIn(variablesPath: string): Promise<Buffer | undefined> {
  const flash = await readFile(variablesPath);
  const name = Buffer.from("BirtherDiskKey\0", "utf16le");
  for (let at = flash.indexOf(name); at >= 0; at = flash.indexOf(name, at + 1)) {
    const header = at - headerBytes;
    if (header < 0 || flash.readUInt16LE(header) !== startMark) continue;
    if (flash[header + 2] !== stateAdded) continue;
    const nameSize = flash.readUInt32LE(header + 36);
    const dataSize = flash.readUInt32LE(header + 40);
    return Buffer.from(flash.subarray(at + nameSize, at + nameSize + dataSize));
  }
  return undefined;
}

/**
 * LUKS2 keeps its key slots in the first 16 MiB by default (cryptsetup-luksFormat(8)), which is enough to try a key.
 */
const luksHeaderBytes = 16 * 1024 * 1024;

/** Whether a key opens the encrypted root of a machine's disk: cryptsetup tries it on the LUKS header. */
export async function opensRoot(diskPath: string, key: Buffer, scratch: string): Promise<boolean> {
  const { stdout } = await runFile("sfdisk", ["--json", diskPath]);
  const { partitiontable: table } = JSON.parse(stdout) as {
    partitiontable: { sectorsize: number; partitions: { start: number }[] };
  };
  const root = table.partitions[2];
  if (root === undefined) throw new Error(`${diskPath}: expected a third partition, found none`);
  await using disk = await open(diskPath);
  const { buffer } = await disk.read(Buffer.alloc(luksHeaderBytes), 0, luksHeaderBytes, root.start * table.sectorsize);
  const [headerPath, keyPath] = [`${scratch}/luks-header`, `${scratch}/disk-key`];
  await writeFile(headerPath, buffer);
  await writeFile(keyPath, key, { mode: 0o600 });
  const text = ["open", "--test-passphrase", "--type", "luks2", "--key-file", keyPath, headerPath];
  return runFile("cryptsetup", text).then(
    () => true,
    (error: { code?: number; stderr?: string }) => {
      // 2 is "no permission (bad passphrase)" (cryptsetup(8)); any other status is not an answer.
      if (error.code === 2) return false;
      throw new Error(`trying the key with cryptsetup failed: ${error.stderr}`, { cause: error });
    },
  );
}
