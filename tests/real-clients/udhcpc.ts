import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ran } from "./wire.ts";

/** The arguments that make udhcpc a BIOS PXE client. */
export const asPxe = ["-V", "PXEClient:Arch:00000:UNDI:002001", "-x", "0x5d:0000", "-O", "bootfile", "-O", "hostname"];

/** Where to run commands, with the interface that leads to the server. */
export type Client = {
  readonly clientInterface: string;
  readonly run: (argv: readonly string[], seconds?: number) => Promise<Ran>;
};

/**
 * Each request waits so long for its answer that a busy computer gives it in time: the client sends none twice, and what a
 * test counts is the same everywhere.
 */
const longRetry = ["-t", "6", "-T", "15"];

/** Gets an address by udhcpc; returns its exit status, its output, and its lease, as its script sees it. */
export async function udhcpc(
  client: Client,
  options: readonly string[],
): Promise<{ status: number; output: string; given: Map<string, string> }> {
  const directory = mkdtempSync(join(tmpdir(), "birther-udhcpc-"));
  try {
    const script = join(directory, "script");
    writeFileSync(script, `#!/bin/sh\n[ "$1" = bound ] && env > ${directory}/given\nexit 0\n`, { mode: 0o755 });
    const once = ["-f", "-n", "-q", ...longRetry, "-s", script, "-i", client.clientInterface];
    const { status, output } = await client.run(["udhcpc", ...once, ...options]);
    if (status !== 0) return { status, output, given: new Map() };
    const lines = readFileSync(join(directory, "given"), "utf8").trim().split("\n");
    return { status, output, given: new Map(lines.map((line) => line.split(/=(.*)/s, 2) as [string, string])) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Lets udhcpc ask twice in two seconds for what no answer is expected to; returns whether it got one. */
export async function isAnswered(client: Client, options: readonly string[]): Promise<boolean> {
  const once = ["-f", "-n", "-q", "-t", "2", "-T", "1", "-s", "/bin/true", "-i", client.clientInterface];
  return (await client.run(["udhcpc", ...once, ...options])).status === 0;
}
