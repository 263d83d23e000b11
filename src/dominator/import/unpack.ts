import { spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";

/** How an archive is compressed. */
type Compression = "none" | "gzip" | "zstd" | "xz";

/**
 * The bytes of an archive's file, unpacked if it is compressed, which its first bytes tell, not its name. xz comes from the
 * host's program: Node has none, Debian's base system has it, and damage in an archive stays in another process.
 */
export async function unpacked(path: string, file: Readable): Promise<AsyncIterable<Uint8Array>> {
  switch (await compressionOf(path)) {
    case "none":
      return file;
    case "gzip":
      return throughTransform(file, createGunzip());
    case "zstd":
      return throughTransform(file, createZstdDecompress());
    case "xz":
      return throughXz(file);
  }
}

/** RFC 1952 §2.3.1, RFC 8878 §3.1.1, the .xz format §2.1.1.1. */
async function compressionOf(path: string): Promise<Compression> {
  const magic = new Uint8Array(6);
  const handle = await open(path);
  await handle.read(magic, 0, magic.length, 0).finally(() => handle.close());
  const hex = Buffer.from(magic).toString("hex");
  if (hex.startsWith("1f8b")) return "gzip";
  if (hex.startsWith("28b52ffd")) return "zstd";
  return hex === "fd377a585a00" ? "xz" : "none";
}

function throughTransform(file: Readable, unpack: ReturnType<typeof createGunzip | typeof createZstdDecompress>) {
  file.on("error", (error) => unpack.destroy(error));
  return file.pipe(unpack);
}

/** The largest preset of xz needs 65 MiB; an archive that asks for more is no ordinary one. */
const xzMemory = "--memlimit-decompress=512MiB";

async function* throughXz(file: Readable): AsyncGenerator<Uint8Array> {
  const child = spawn("xz", ["--decompress", "--stdout", xzMemory], { env: { ...process.env, LC_ALL: "C" } });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(0, 1000);
  });
  const ended = once(child, "close").catch((cause: unknown) => {
    throw new Error("starting xz failed; to install it, run apt-get install xz-utils", { cause });
  });
  // Its failure is the program's, which `ended` reports, or the file's.
  const fed = pipeline(file, child.stdin).catch((error: unknown) => error);
  try {
    for await (const piece of child.stdout) yield piece;
    const [status, signal] = await ended;
    if (file.errored !== null) throw file.errored;
    if (status !== 0) throw new Error(`xz: expected exit status 0, found ${status ?? signal}: ${said.trim()}`);
  } finally {
    child.kill("SIGKILL");
    await fed;
  }
}
