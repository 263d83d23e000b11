import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { promisify } from "node:util";

const runFile = promisify(execFile);

/**
 * Changes one byte in the middle of the kernel on the boot partition, the second one, of a machine that is off, which
 * invalidates its signature.
 */
export async function damageKernel(diskPath: string): Promise<void> {
  const { stdout } = await runFile("sfdisk", ["--json", diskPath]);
  const { partitiontable: table } = JSON.parse(stdout) as {
    partitiontable: { sectorsize: number; partitions: { start: number }[] };
  };
  const offset = (table.partitions[1]?.start ?? Number.NaN) * table.sectorsize;
  const ask = async (request: string) =>
    (await runFile("debugfs", ["-R", request, `${diskPath}?offset=${offset}`], { timeout: 120_000 })).stdout;
  const directory = `/kernels/${/[0-9a-f]{32}/.exec(await ask("ls -p /kernels"))?.[0]}`;
  const kernel = /vmlinuz-[^\s/]+/.exec(await ask(`ls -p ${directory}`))?.[0];
  const blockBytes = Number(/^Block size:\s+(\d+)$/m.exec(await ask("stats -h"))?.[1]);
  const blocks = (await ask(`blocks ${directory}/${kernel}`)).trim().split(/\s+/).map(Number);
  const block = blocks[Math.floor(blocks.length / 2)] ?? 0;
  if (kernel === undefined || !(blockBytes > 0) || !(block > 0)) throw new Error(`no kernel found on ${diskPath}`);
  const at = offset + block * blockBytes + 100;
  await using disk = await open(diskPath, "r+");
  const byte = Buffer.alloc(1);
  await disk.read(byte, 0, 1, at);
  await disk.write(Buffer.of((byte[0] ?? 0) ^ 0xff), 0, 1, at);
}
