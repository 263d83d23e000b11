import { isInstalled, type Machine, type MachineId } from "../../machine/record.ts";
import { formatImageName, isStreamName, parseImageName } from "../image-name.ts";

/** What the MDB holds about a stream of images: the version that the machines of the stream require. */
export type ImageStream = {
  readonly stream: string;
  /** The current version, which a newborn of the stream gets. */
  readonly current: number;
  /** The version that was current before. */
  readonly previous?: number;
  /** Who made it current. */
  readonly by: string;
  readonly atMs: number;
  /** The machines are being given the current version; a server that starts finishes this. */
  readonly moving?: true;
  /** A version that one machine tries before the others get it. */
  readonly promotion?: Promotion;
};

/** A promotion that has reached one machine, the canary. */
export type Promotion = {
  readonly version: number;
  readonly canary: MachineId;
  readonly by: string;
  readonly atMs: number;
};

type Documents = {
  readonly documents: (kind: "imageStream") => readonly { readonly document: ImageStream }[];
};

/** The streams that have a current version, by name. */
export function imageStreamsOf(store: Documents): readonly ImageStream[] {
  return store.documents("imageStream").map(({ document }) => document);
}

/** What the MDB holds about one stream; undefined if it has no current version. */
export function imageStreamOf(store: Documents, stream: string): ImageStream | undefined {
  return imageStreamsOf(store).find((held) => held.stream === stream);
}

/** The document in which the Store keeps a stream. */
export function imageStreamDocument(held: ImageStream) {
  return { kind: "imageStream", key: held.stream, document: held } as const;
}

/** The name of one version of a stream. */
export function imageOf({ stream }: Pick<ImageStream, "stream">, version: number): string {
  return formatImageName({ stream, version });
}

/**
 * The image that a machine requires: an exact name itself; for a stream its current version, or the version that this machine
 * tries for the others. A stream without a current version stays a stream: the machine waits for its first import.
 */
export function imageFor(streams: readonly ImageStream[], wanted: string, id: MachineId): string {
  const held = streams.find(({ stream }) => stream === wanted);
  if (held === undefined) return wanted;
  const { current, promotion } = held;
  return imageOf(held, promotion?.canary === id ? promotion.version : current);
}

/** The stream whose current version a machine follows; undefined if it stays on one version, or is not installed. */
export function followedStream(machine: Machine): string | undefined {
  if (!isInstalled(machine)) return undefined;
  const { imageStream, requiredImage } = machine;
  // Records of older versions require the stream itself.
  return imageStream ?? (isStreamName(requiredImage) ? requiredImage : undefined);
}

/** The stream of an image name, itself if it is one; undefined for a text that names neither. */
export function streamOfImage(image: string): string | undefined {
  return parseImageName(image)?.stream ?? (isStreamName(image) ? image : undefined);
}
