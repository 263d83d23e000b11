import { spawn } from "node:child_process";
import { once } from "node:events";
import { pipeline, promises } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { errorCode } from "../../core/error-code.ts";

/**
 * The bytes of an archive, unpacked if it is compressed, which its first bytes tell, not its name. xz comes from the host's
 * program: Node has none, Debian's base system has it, and damage in an archive stays in another process.
 */
export async function* unpacked(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = archive[Symbol.asyncIterator]();
  const head = await firstBytes(source);
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    yield head;
    for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
  };
  try {
    yield* unpackedFrom(head, whole);
  } finally {
    await source.return?.();
  }
}

/** Whether an archive is compressed; reads its first bytes only. */
export async function isCompressed(archive: AsyncIterable<Uint8Array>): Promise<boolean> {
  const source = archive[Symbol.asyncIterator]();
  const head = await firstBytes(source);
  await source.return?.();
  return compressionOf(head) !== "none";
}

/** How an archive is compressed (RFC 1952 §2.3.1, RFC 8878 §3.1.1, the .xz format §2.1.1.1). */
function compressionOf(head: Buffer): "none" | "gzip" | "zstd" | "xz" {
  const magic = head.toString("hex", 0, magicBytes);
  if (magic.startsWith("1f8b")) return "gzip";
  if (magic.startsWith("28b52ffd")) return "zstd";
  return magic === "fd377a585a00" ? "xz" : "none";
}

function unpackedFrom(head: Buffer, whole: () => AsyncGenerator<Uint8Array>): AsyncIterable<Uint8Array> {
  switch (compressionOf(head)) {
    case "none":
      return whole();
    case "gzip":
      return named(
        "gzip",
        pipeline(whole, createGunzip(), () => undefined),
      );
    case "zstd":
      return named(
        "zstd",
        pipeline(whole, createZstdDecompress(), () => undefined),
      );
    case "xz":
      return throughXz(whole);
  }
}

/** The codes of zlib and of zstd begin so; an error of the disk is another one. */
const decoderCode = /^Z(STD)?_/;

async function* named(format: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces;
  } catch (cause) {
    throw decoderCode.test(errorCode(cause)) ? damagedAs(format, cause instanceof Error ? cause.message : "") : cause;
  }
}

function damagedAs(format: string, said: string): Error {
  return new Error(`the archive is truncated or damaged; copy or make it again (${format}: ${said})`);
}

const magicBytes = 6;

async function firstBytes(source: AsyncIterator<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let length = 0; length < magicBytes; ) {
    const next = await source.next();
    if (next.done === true) break;
    pieces.push(next.value);
    length += next.value.length;
  }
  return Buffer.concat(pieces);
}

/** The largest preset of xz needs 65 MiB; an archive that asks for more is no ordinary one. */
const xzMemory = "--memlimit-decompress=512MiB";

async function* throughXz(whole: () => AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const child = spawn("xz", ["--decompress", "--stdout", xzMemory], { env: { ...process.env, LC_ALL: "C" } });
  const ended = once(child, "close").catch((cause: unknown) => {
    const next = errorCode(cause) === "ENOENT" ? "; to install it, run apt-get install xz-utils" : "";
    throw new Error(`starting xz failed${next}`, { cause });
  });
  // It did not start: its streams are closed, or not even there.
  if (child.pid === undefined) await ended;
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(0, 1000);
  });
  const feeding = promises.pipeline(whole, child.stdin);
  // If the program fails, its reason is the better one.
  const fed = feeding.then(
    () => undefined,
    (error: unknown) => (errorCode(error) === "EPIPE" ? undefined : error),
  );
  try {
    for await (const piece of child.stdout) yield piece;
    const [status, signal] = await ended;
    const failure = await fed;
    if (failure !== undefined) throw failure;
    if (status === 1) throw damagedAs("xz", said.trim().replace(/^xz: /, ""));
    if (status !== 0) throw new Error(`xz: expected exit status 0, found ${status ?? signal}: ${said.trim()}`);
  } finally {
    child.kill("SIGKILL");
    await fed;
  }
}
