import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pcapOfFrames } from "../../src/core/net/pcap.ts";

/** What a program said of frames: all that it read, and its warnings. */
function runOn(frames: readonly Uint8Array[], command: (file: string) => readonly [string, ...string[]]): string {
  const directory = mkdtempSync(join(tmpdir(), "birther-corpora-"));
  try {
    const file = join(directory, "frames.pcap");
    writeFileSync(file, pcapOfFrames(frames.map((frame) => ({ frame, atMs: 0 }))));
    const [program, ...words] = command(file);
    const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8", maxBuffer: 1 << 28 });
    if (status !== 0)
      throw new Error(`${program} ${words.join(" ")}: expected exit status 0, found ${status}: ${stderr}`);
    return stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** One frame as tshark reads it: all occurrences of a field, in order. */
export type Dissection<Field extends string> = (field: Field) => readonly string[];

/** Separates occurrences: no text of a packet holds it, because tshark escapes control characters. */
const between = "\u001f";

/** Reads fields of frames with tshark, without settings of this computer's users. */
export function dissect<const Field extends string>(
  frames: readonly Uint8Array[],
  fields: readonly Field[],
): Dissection<Field>[] {
  const output = runOn(frames, (file) => [
    ...(["tshark", "-n", "-C", "Default", "-r", file, "-T", "fields"] as const),
    ...["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"],
    ...["-E", `aggregator=${between}`, "-E", "separator=/t", "-E", "occurrence=a"],
    ...fields.flatMap((field) => ["-e", field]),
  ]);
  return output
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const cells = line.split("\t");
      const values = new Map(fields.map((field, at) => [field, cells[at] ? cells[at].split(between) : []]));
      return (field) => values.get(field) ?? [];
    });
}

/** The lines that tcpdump writes of frames, with every detail. */
export function tcpdumpOf(frames: readonly Uint8Array[]): string {
  return runOn(frames, (file) => ["tcpdump", "-nn", "-vvv", "-e", "-r", file]);
}
