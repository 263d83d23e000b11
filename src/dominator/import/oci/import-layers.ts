import { parentPath } from "../../../core/image/tree.ts";
import { addMember } from "../add-member.ts";
import type { OpenImport } from "../input.ts";
import { readTar } from "../tar-reader.ts";
import { cleanPath, type Layer } from "../tree-builder.ts";
import { unpacked } from "../unpack.ts";
import { type Blobs, demandDigest } from "./blobs.ts";
import { type LayerFile, layersOf } from "./layers.ts";

/** Names of whiteouts (OCI image-spec, layer.md); `opaque` hides all that the layers below have in its directory. */
const whiteout = ".wh.";
const opaque = ".wh..wh..opq";
/** Files of the aufs file system, which are no part of the image. */
const aufs = ".wh..wh.";

/** Imports the layers of a container image one over the other. Each is read only after its digest has been checked. */
export async function importLayers(input: OpenImport, blobs: Blobs): Promise<void> {
  const layers = await layersOf(blobs);
  const totalBytes = (await Promise.all(layers.map(({ name }) => blobs.sizeOf(name)))).reduce(sum, 0);
  let paths = 0;
  let readBytes = 0;
  const count = (bytes: number) => {
    readBytes += bytes;
    input.onProgress?.({ paths, readBytes, totalBytes });
  };
  for (const layer of layers) {
    input.signal?.throwIfAborted();
    await checkLayer(blobs, layer);
    const over = input.tree.startLayer();
    const bytes = counted(await blobs.read(layer.name), count);
    for await (const member of readTar(unpacked(bytes))) {
      input.signal?.throwIfAborted();
      if (!whiteOut(member.header.path, over)) await addMember(member, input);
      paths += 1;
    }
    over.end();
  }
  input.onProgress?.({ paths, readBytes, totalBytes });
}

function sum(one: number, other: number): number {
  return one + other;
}

async function checkLayer(blobs: Blobs, { name, digest, of }: LayerFile): Promise<void> {
  const bytes = await blobs.read(name);
  await demandDigest(name, of === "file" ? bytes : unpacked(bytes), digest);
}

async function* counted(bytes: AsyncIterable<Uint8Array>, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    count(piece.length);
    yield piece;
  }
}

/** Carries out a whiteout; false if the path is none. */
function whiteOut(memberPath: string, layer: Layer): boolean {
  const path = cleanPath(memberPath);
  const name = path?.slice(path.lastIndexOf("/") + 1) ?? "";
  if (path === undefined || !name.startsWith(whiteout)) return false;
  const directory = parentPath(path);
  if (name === opaque) layer.empty(directory);
  else if (!name.startsWith(aufs)) {
    const hidden = name.slice(whiteout.length);
    const target = hidden === "" ? undefined : cleanPath(`${directory}/${hidden}`);
    if (target === undefined || target === directory)
      throw new Error(`${path}: expected a whiteout with the name of a file, found ${JSON.stringify(hidden)}`);
    layer.whiteOut(target);
  }
  return true;
}
