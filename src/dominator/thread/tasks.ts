import { describeContents, type ImageContents, sharedBytes } from "../../core/image/catalogue/contents.ts";
import { diffImages, type ImageDifference } from "../../core/image/catalogue/image-difference.ts";
import type { ImageSummary } from "../../core/image/manifest.ts";
import type { Tree } from "../../core/image/tree.ts";
import type { ComparedImage } from "../../core/image/update/compare.ts";
import { readManifest } from "../storage/manifest-file.ts";
import { type PollTools, type PollWanted, type ReadPoll, readPoll } from "./read-poll.ts";

/** The Dominator's long computations: they grow with a machine's tree or an image, and would hold up packets. */
export type DominatorTasks = {
  /** Reads the body of a poll; the body may be unusable afterwards. */
  readonly readPoll: (body: Uint8Array<ArrayBuffer>, wanted: PollWanted) => Promise<ReadPoll>;
  /** Reads the manifest of an image from its file; throws if it is unreadable. */
  readonly summarise: (path: string, name: string) => Promise<ImageSummary>;
  /** What an image consists of, and what it has in common with others. */
  readonly describe: (image: NamedManifest, others: readonly NamedManifest[]) => Promise<DescribedImage>;
  readonly diff: (from: NamedManifest, to: NamedManifest) => Promise<ImageDifference>;
};

/** The file of a manifest, and the name of its image. */
export type NamedManifest = { readonly path: string; readonly name: string };
/** What an image consists of, with the bytes of the contents that it shares with others. */
export type DescribedImage = ImageContents & {
  readonly shared: readonly { readonly name: string; readonly bytes: number }[];
};

/** One of them, as a thread receives it. */
export type TaskRequest =
  | { readonly kind: "readPoll"; readonly body: Uint8Array<ArrayBuffer>; readonly wanted: PollWanted }
  | { readonly kind: "summarise"; readonly path: string; readonly name: string }
  | { readonly kind: "describe"; readonly image: NamedManifest; readonly others: readonly NamedManifest[] }
  | { readonly kind: "diff"; readonly from: NamedManifest; readonly to: NamedManifest };

/** What they answer. */
type TaskResult = ReadPoll | ImageSummary | DescribedImage | ImageDifference;

/** A fleet moves between two images; a manifest of 150,000 files takes some 100 MB of memory. */
const keptManifests = 2;

/** Carries out tasks in the caller's thread, and keeps the manifests that were compared with last. */
export function taskRunner(find?: PollTools["find"]): (request: TaskRequest) => TaskResult {
  const kept = new Map<string, ComparedImage>();
  const load = ({ name, path, sha512 }: NonNullable<PollWanted["image"]>) => {
    const { filter, tree, attributes } = kept.get(sha512) ?? readManifest(path, name).manifest;
    const image = { filter, tree, ...(attributes === undefined ? {} : { attributes }) };
    kept.delete(sha512);
    kept.set(sha512, image);
    const [oldest] = kept.keys();
    if (kept.size > keptManifests && oldest !== undefined) kept.delete(oldest);
    return image;
  };
  return (request) => {
    switch (request.kind) {
      case "readPoll":
        return readPoll(request.body, request.wanted, { load, ...(find === undefined ? {} : { find }) });
      case "summarise":
        return readManifest(request.path, request.name).summary;
      case "describe":
        return describe(request.image, request.others);
      case "diff":
        return diffImages(treeOf(request.from), treeOf(request.to));
    }
  };
}

function treeOf({ path, name }: NamedManifest): Tree {
  return readManifest(path, name).manifest.tree;
}

function describe(image: NamedManifest, others: readonly NamedManifest[]): DescribedImage {
  const { manifest } = readManifest(image.path, image.name);
  const shared = others.map((other) => ({ name: other.name, bytes: sharedBytes(manifest.tree, treeOf(other)) }));
  return { ...describeContents(manifest), shared };
}

/** The tasks in the caller's thread: for programs that answer no packets. */
export function inlineTasks(): DominatorTasks {
  const run = taskRunner();
  return tasksOver(async (request) => run(request));
}

/** The tasks over anything that carries out requests; the type of an answer is that of its request. */
export function tasksOver(ask: (request: TaskRequest) => Promise<unknown>): DominatorTasks {
  return {
    readPoll: async (body, wanted) => (await ask({ kind: "readPoll", body, wanted })) as ReadPoll,
    summarise: async (path, name) => (await ask({ kind: "summarise", path, name })) as ImageSummary,
    describe: async (image, others) => (await ask({ kind: "describe", image, others })) as DescribedImage,
    diff: async (from, to) => (await ask({ kind: "diff", from, to })) as ImageDifference,
  };
}
