import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { readTar } from "../tar-reader.ts";

/** The files of a container image: a directory, or the members of a plain tar archive. */
export type Blobs = {
  readonly has: (name: string) => Promise<boolean>;
  /** Bytes of a file; 0 if there is none. */
  readonly sizeOf: (name: string) => Promise<number>;
  /** Throws if there is no such file. */
  readonly read: (name: string) => Promise<AsyncIterable<Uint8Array>>;
};

/** A digest as the OCI image-spec writes it (descriptor.md): nothing else becomes a path. */
export const digestPattern = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** The path of a blob in an OCI layout (image-layout.md). */
export function blobPath(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}

const pieceBytes = 1 << 20;

/** The files of an OCI layout directory. */
export function directoryBlobs(directory: string): Blobs {
  const isFile = (name: string) =>
    stat(join(directory, name)).then(
      (found) => found.isFile(),
      () => false,
    );
  return {
    has: isFile,
    sizeOf: async (name) => ((await isFile(name)) ? (await stat(join(directory, name))).size : 0),
    read: async (name) => {
      if (!(await isFile(name))) throw new Error(`${name}: expected a file, found none`);
      return createReadStream(join(directory, name), { highWaterMark: pieceBytes });
    },
  };
}

type Found = { readonly offset: number; readonly size: number };

/** More members than any container image has. */
const maxMembers = 10_000;
/** Names in an archive of `skopeo copy`, `podman save` and `docker save`; another name makes it a system's archive. */
const names =
  /^(oci-layout|index\.json|manifest\.json|repositories|blobs(\/sha(256|512))?(\/[0-9a-f]+)?|[0-9a-f]{64}(\.json|\.tar|\/(layer\.tar|json|VERSION))?)?$/;

/**
 * The members of a tar archive, if it holds a container image; undefined if it holds anything else. Reads no further than
 * the first name that no container image has. `file` is where the members are read again; the archive is its bytes, unpacked.
 */
export async function archiveBlobs(file: string, archive: AsyncIterable<Uint8Array>): Promise<Blobs | undefined> {
  const members = new Map<string, Found>();
  const links = new Map<string, string>();
  for await (const { header, offset } of readTar(archive)) {
    const name = header.path.replace(/^(\.\/)+/, "").replace(/\/+$/, "");
    if (name === "." || header.kind === "directory") continue;
    if (!names.test(name) || members.size >= maxMembers) return undefined;
    if (header.kind === "file") members.set(name, { offset, size: header.size });
    // Docker wrote a layer that it had written before as a link.
    if (header.kind === "symlink") links.set(name, posix.join(posix.dirname(name), header.linkPath));
  }
  if (!members.has("index.json") && !members.has("manifest.json")) return undefined;
  const find = (name: string) => members.get(name) ?? members.get(links.get(name) ?? "");
  return {
    has: async (name) => find(name) !== undefined,
    sizeOf: async (name) => find(name)?.size ?? 0,
    read: async (name) => {
      const found = find(name);
      if (found === undefined) throw new Error(`${name}: expected a member of the archive, found none`);
      const { offset, size } = found;
      if (size === 0) return (async function* (): AsyncGenerator<Uint8Array> {})();
      return createReadStream(file, { start: offset, end: offset + size - 1, highWaterMark: pieceBytes });
    },
  };
}

/** Throws unless the bytes have the digest. */
export async function demandDigest(name: string, bytes: AsyncIterable<Uint8Array>, digest: string): Promise<void> {
  const [algorithm = ""] = digest.split(":");
  const sum = createHash(algorithm);
  for await (const piece of bytes) sum.update(piece);
  const found = `${algorithm}:${sum.digest("hex")}`;
  if (found !== digest)
    throw new Error(`${name}: expected the digest ${digest}, found ${found}; the image is damaged, copy it again`);
}

/** Index, manifests and configurations are far smaller. */
const maxJsonBytes = 4 << 20;

/** Reads a JSON file whole; with a digest, only if it has that. */
export async function readJson(blobs: Blobs, name: string, digest?: string): Promise<unknown> {
  if (digest !== undefined) await demandDigest(name, await blobs.read(name), digest);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of await blobs.read(name)) {
    length += piece.length;
    if (length > maxJsonBytes) throw new Error(`${name}: expected at most ${maxJsonBytes} bytes of JSON, found more`);
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString("utf8"));
  } catch (cause) {
    throw new Error(`${name}: expected JSON`, { cause });
  }
}
