import * as v from "valibot";
import { faultMessages, faultsOf } from "../../../contract/shape-faults.ts";
import { type Blobs, blobPath, digestPattern, readJson } from "./blobs.ts";

/** A layer of a container image: a tar archive, and the digest of its file or of what it unpacks to. */
export type LayerFile = {
  readonly name: string;
  readonly digest: string;
  readonly of: "file" | "content";
};

/** The limit of Linux' overlay file system is 500 (fs/overlayfs/params.h). */
const maxLayers = 500;
/** An index names manifests or other indexes; real ones are two deep. */
const maxDepth = 4;

const text = v.pipe(v.string(), v.maxLength(4096));
const digest = v.pipe(v.string(), v.regex(digestPattern));
const descriptor = v.object({
  mediaType: v.exactOptional(text),
  digest,
  platform: v.exactOptional(v.object({ os: text, architecture: text })),
  annotations: v.exactOptional(v.record(v.string(), v.string())),
});
type Descriptor = v.InferOutput<typeof descriptor>;
const ociIndex = v.object({ manifests: v.pipe(v.array(descriptor), v.maxLength(1000)) });
const ociManifest = v.object({ layers: v.pipe(v.array(descriptor), v.minLength(1), v.maxLength(maxLayers)) });
const dockerManifest = v.pipe(
  v.array(v.object({ Config: text, Layers: v.pipe(v.array(text), v.minLength(1), v.maxLength(maxLayers)) })),
  v.length(1, ({ received }) => `expected one image, found ${received}; save one image only`),
);
const dockerConfig = v.object({ rootfs: v.object({ diff_ids: v.array(digest) }) });

/** The layers of the image, the lowest first; throws if there is not exactly one image for this processor. */
export async function layersOf(blobs: Blobs): Promise<readonly LayerFile[]> {
  return (await blobs.has("index.json")) ? await ociLayers(blobs) : await dockerLayers(blobs);
}

async function ociLayers(blobs: Blobs): Promise<readonly LayerFile[]> {
  const found = await manifestsIn(blobs, { name: "index.json", depth: 0 });
  const chosen = theOne(found);
  const manifest = parse(ociManifest, await readBlob(blobs, chosen), blobPath(chosen.digest));
  return manifest.layers.map((layer): LayerFile => {
    if (layer.mediaType?.includes("nondistributable") === true)
      throw new Error(`layer ${layer.digest}: expected a layer that the image contains, found one of another source`);
    return { name: blobPath(layer.digest), digest: layer.digest, of: "file" };
  });
}

async function readBlob(blobs: Blobs, { digest: wanted }: Descriptor): Promise<unknown> {
  return await readJson(blobs, blobPath(wanted), wanted);
}

/** All manifests of an index and of those that it names. */
async function manifestsIn(
  blobs: Blobs,
  at: { readonly name: string; readonly depth: number; readonly digest?: string },
): Promise<readonly Descriptor[]> {
  if (at.depth > maxDepth) throw new Error(`${at.name}: expected indexes at most ${maxDepth} deep, found more`);
  const { manifests } = parse(ociIndex, await readJson(blobs, at.name, at.digest), at.name);
  const found: Descriptor[] = [];
  for (const each of manifests) {
    if (!/(image\.index|manifest\.list)/.test(each.mediaType ?? "")) found.push(each);
    else {
      const { digest: inner } = each;
      found.push(...(await manifestsIn(blobs, { name: blobPath(inner), depth: at.depth + 1, digest: inner })));
    }
  }
  return found;
}

/** The only image, or the only one for the processor of this server. */
function theOne(found: readonly Descriptor[]): Descriptor {
  const usable = found.filter(({ platform }) => platform === undefined || platform.os === "linux");
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const ours = usable.length === 1 ? usable : usable.filter(({ platform }) => platform?.architecture === architecture);
  const [chosen] = ours;
  if (chosen === undefined || ours.length > 1)
    throw new Error(
      `expected one image for linux/${architecture}, found ${ours.length} of ${found.length}: ` +
        `${found.slice(0, 10).map(nameOf).join(", ") || "none"}; to make a layout with one, use skopeo copy`,
    );
  return chosen;
}

function nameOf({ digest: of, platform, annotations }: Descriptor): string {
  const tag = annotations?.["org.opencontainers.image.ref.name"];
  const about = [tag, platform && `${platform.os}/${platform.architecture}`].filter((each) => each !== undefined);
  return `${of.slice(0, 19)} (${about.join(", ") || "no name"})`;
}

async function dockerLayers(blobs: Blobs): Promise<readonly LayerFile[]> {
  const [image] = parse(dockerManifest, await readJson(blobs, "manifest.json"), "manifest.json");
  if (image === undefined) throw new Error("manifest.json: expected one image, found none");
  const { rootfs } = parse(dockerConfig, await readJson(blobs, image.Config), image.Config);
  if (rootfs.diff_ids.length !== image.Layers.length)
    throw new Error(
      `${image.Config}: expected ${image.Layers.length} digests of layers, found ${rootfs.diff_ids.length}`,
    );
  return image.Layers.map((name, index) => ({ name, digest: rootfs.diff_ids[index] ?? "", of: "content" }));
}

function parse<Schema extends v.GenericSchema>(schema: Schema, data: unknown, name: string): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, data, faultMessages);
  if (!parsed.success) throw new Error(`${name}: ${faultsOf(parsed.issues)}`);
  return parsed.output;
}
