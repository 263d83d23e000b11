import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ran } from "./wire.ts";

/** The arguments that make udhcpc a BIOS PXE client. */
export const asPxe = ["-V", "PXEClient:Arch:00000:UNDI:002001", "-x", "0x5d:0000", "-O", "bootfile", "-O", "hostname"];

/** Where to run commands, with the interface that leads to the server. */
export type Client = { readonly clientInterface: string; readonly run: (argv: readonly string[]) => Promise<Ran> };

/** Runs udhcpc once; returns its exit status, its output, and its lease, as its script sees it. */
export async function udhcpc(
  client: Client,
  options: readonly string[],
): Promise<{ status: number; output: string; given: Map<string, string> }> {
  const directory = mkdtempSync(join(tmpdir(), "birther-udhcpc-"));
  try {
    const script = join(directory, "script");
    writeFileSync(script, `#!/bin/sh\n[ "$1" = bound ] && env > ${directory}/given\nexit 0\n`, { mode: 0o755 });
    const once = ["-f", "-n", "-q", "-t", "2", "-T", "1", "-s", script, "-i", client.clientInterface];
    const { status, output } = await client.run(["udhcpc", ...once, ...options]);
    if (status !== 0) return { status, output, given: new Map() };
    const lines = readFileSync(join(directory, "given"), "utf8").trim().split("\n");
    return { status, output, given: new Map(lines.map((line) => line.split(/=(.*)/s, 2) as [string, string])) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
