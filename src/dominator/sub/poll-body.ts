import type { Problem } from "../../contract/problem.ts";
import { agentProtocol } from "../../core/image/filter.ts";
import { parseImageName } from "../../core/image/image-name.ts";
import type { ImageSummary } from "../../core/image/manifest.ts";
import type { Machine } from "../../core/machine/record.ts";
import { parsePoll, plainPoll, type ReadPoll } from "../thread/read-poll.ts";
import type { ReportSlots } from "./report-slots.ts";
import type { SubAppInput } from "./sub-app-input.ts";

/** A larger body is parsed in the thread; this one takes about a millisecond. */
const inlineBytes = 128 << 10;

/** Parses a body here if it is small; a large one, and every requested tree, is the thread's work. */
export async function readBody(
  body: Uint8Array<ArrayBuffer>,
  { id, requiredImage }: Machine,
  { images, tasks, packs, reportSlots }: SubAppInput & { readonly reportSlots: ReportSlots },
): Promise<ReadPoll> {
  const isRequested = reportSlots.isRequested(id);
  if (body.length <= inlineBytes) {
    const parsed = parsePoll(body);
    if (parsed.kind !== "poll") return parsed;
    const { tree, objects: _objects, ...poll } = parsed.poll;
    if (tree === undefined || !isRequested) return { kind: "poll", poll: plainPoll(poll) };
  }
  const image = requiredImage === undefined ? undefined : images.get(requiredImage);
  if (image === undefined) return await tasks.readPoll(body, { isRequested });
  const { name, manifest } = image;
  const stream = confidentialStream(image);
  const named = { name, path: images.pathOf(name), sha512: manifest.sha512 };
  return await tasks.readPoll(body, {
    ...{ isRequested, servers: packs?.serversFor(id, image) ?? { sources: [] } },
    image: { ...named, ...(stream === undefined ? {} : { confidentialStream: stream }) },
  });
}

/** The stream of a confidential image. */
export function confidentialStream({ name, confidential }: ImageSummary): string | undefined {
  return confidential === true ? parseImageName(name)?.stream : undefined;
}

export function malformed(why: string): Problem {
  return {
    kind: "malformed",
    title: "invalid poll",
    detail: why.slice(0, 2000),
    next: "the agent and the server have different versions; rebirth the machine, or update the server",
  };
}

export function newerThanServer(protocol: number): Problem {
  return {
    kind: "newerProtocol",
    title: "the agent speaks a newer protocol than this server",
    detail: `protocol: expected at most ${agentProtocol}, found ${protocol}`,
    next: "update this server to the version that installed the machine",
  };
}
