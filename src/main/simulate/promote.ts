import { parseImageName } from "../../core/image/image-name.ts";
import { followedStream, imageOf, imageStreamsOf } from "../../core/image/stream/image-stream.ts";
import { decidePromotion } from "../../core/image/stream/promotion.ts";
import type { Clock, Store } from "../../core/ports.ts";
import type { Promoted } from "../../fleet/ports.ts";
import { changeStream } from "../../mdb/image-streams/change-stream.ts";

type Streams = Pick<Store, "documents" | "replaceDocument" | "apply" | "list">;

/** What an operator does in the simulation, with the code that answers `birther image promote`. */
export type Operator = {
  readonly promote: (who: "first" | "all") => Promise<Promoted>;
  /** It computes: virtual time stands still. */
  readonly isBusy: () => boolean;
};

/** An operator of a server whose images are these. */
export function openOperator(parts: {
  readonly store: Streams;
  readonly clock: Clock;
  readonly othersUpdate: boolean;
  readonly images: readonly string[];
}): Operator {
  const { clock, othersUpdate, images } = parts;
  let [asked, writes] = [0, 0];
  const store: Streams = {
    ...parts.store,
    apply: (event, options) => written(parts.store.apply(event, options)),
    replaceDocument: (draft) => written(parts.store.replaceDocument(draft)),
  };

  async function written<T>(write: Promise<T>): Promise<T> {
    writes += 1;
    try {
      return await write;
    } finally {
      writes -= 1;
    }
  }
  /** The stream that most machines follow. */
  function usedMost(): string | undefined {
    const followers = new Map<string, number>();
    for (const machine of store.list()) {
      const stream = followedStream(machine);
      if (stream !== undefined) followers.set(stream, (followers.get(stream) ?? 0) + 1);
    }
    return [...followers].sort(([, one], [, other]) => other - one)[0]?.[0];
  }
  async function promote(who: "first" | "all"): Promise<Promoted> {
    const stream = usedMost();
    const held = imageStreamsOf(store).find((one) => one.stream === stream);
    if (stream === undefined || held === undefined)
      return { kind: "refused", reason: "no machine follows a stream of images" };
    const known = images.flatMap((name) => parseImageName(name) ?? []).filter((image) => image.stream === stream);
    const version = Math.max(...known.map((image) => image.version));
    const request = { version, ...(who === "all" ? { all: true as const } : {}) };
    const change = await changeStream({ store, clock, othersUpdate }, { stream, by: "operator" }, (context) =>
      decidePromotion(request, context),
    );
    if (change.kind === "refused") return { kind: "refused", reason: change.refusal.message };
    return { kind: "done", image: imageOf(held, version) };
  }
  return {
    isBusy: () => asked > 0 && writes === 0,
    promote: async (who) => {
      asked += 1;
      try {
        return await promote(who);
      } finally {
        asked -= 1;
      }
    },
  };
}
