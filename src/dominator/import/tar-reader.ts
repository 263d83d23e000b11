import { readPaxRecords, readTarHeader, type TarHeader, tarBlock, utf8, withPaxRecords } from "./tar-header.ts";

/** A member of an archive. Its content must be read, or left, before the next member is asked for. */
export type TarMember = { readonly header: TarHeader; readonly content: AsyncIterable<Uint8Array> };

/** A pax header or a long name larger than this is an attack or damage. */
const maxExtensionBytes = 1 << 20;

/** Reads a tar archive (ustar, pax, GNU long names) as it comes in. Sparse members are refused. */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember> {
  const input = byteSource(source);
  let global: ReadonlyMap<string, string> = new Map();
  let extension: ReadonlyMap<string, string> = new Map();
  for (;;) {
    const block = await input.take(tarBlock);
    if (block === undefined) throw new Error("the archive ends before its end mark: it is truncated");
    const bare = readTarHeader(block);
    if (bare === undefined) return;
    if (["x", "g", "L", "K"].includes(bare.type)) {
      const data = await readExtension(input, bare);
      if (bare.type === "g") global = readPaxRecords(data);
      else extension = new Map([...extension, ...extensionRecords(bare.type, data)]);
      continue;
    }
    const header = withPaxRecords(bare, new Map([...global, ...extension]));
    if (header.type === "S" || [...extension.keys()].some((key) => key.startsWith("GNU.sparse."))) {
      throw new Error(`${header.path} is stored as a sparse file: make the archive without --sparse`);
    }
    extension = new Map();
    const size = ["0", "7"].includes(header.type) ? header.size : 0;
    const body = { left: size };
    yield { header, content: contentOf(input, body, header.path) };
    for await (const _skipped of contentOf(input, body, header.path));
    await input.take((tarBlock - (size % tarBlock)) % tarBlock);
  }
}

async function readExtension(input: ByteSource, header: TarHeader): Promise<Uint8Array> {
  if (header.size > maxExtensionBytes) throw new Error(`an extended header of ${header.size} bytes is too large`);
  const padded = Math.ceil(header.size / tarBlock) * tarBlock;
  const data = await input.take(padded);
  if (data === undefined) throw new Error("the archive ends within an extended header");
  return data.subarray(0, header.size);
}

function extensionRecords(type: string, data: Uint8Array): Iterable<readonly [string, string]> {
  if (type === "x") return readPaxRecords(data);
  const end = data.indexOf(0);
  return [[type === "L" ? "path" : "linkpath", utf8(end < 0 ? data : data.subarray(0, end))]];
}

async function* contentOf(input: ByteSource, body: { left: number }, path: string): AsyncGenerator<Uint8Array> {
  while (body.left > 0) {
    const piece = await input.some(body.left);
    if (piece === undefined) throw new Error(`the archive ends within ${path}: it is truncated`);
    body.left -= piece.length;
    yield piece;
  }
}

type ByteSource = {
  /** Exactly so many bytes, or undefined at the end of the source. */
  readonly take: (count: number) => Promise<Uint8Array | undefined>;
  /** What is at hand, at most so many bytes, at least one; undefined at the end. */
  readonly some: (limit: number) => Promise<Uint8Array | undefined>;
};

function byteSource(source: AsyncIterable<Uint8Array>): ByteSource {
  const iterator = source[Symbol.asyncIterator]();
  let current: Uint8Array = new Uint8Array(0);
  const some = async (limit: number): Promise<Uint8Array | undefined> => {
    while (current.length === 0) {
      const next = await iterator.next();
      if (next.done === true) return undefined;
      current = next.value;
    }
    const piece = current.subarray(0, limit);
    current = current.subarray(piece.length);
    return piece;
  };
  const take = async (count: number): Promise<Uint8Array | undefined> => {
    const whole = new Uint8Array(count);
    for (let filled = 0; filled < count; ) {
      const piece = await some(count - filled);
      if (piece === undefined) return undefined;
      whole.set(piece, filled);
      filled += piece.length;
    }
    return whole;
  };
  return { take, some };
}
