import { objectPaths } from "../../contract/sub.ts";
import type { Content } from "../../core/image/update/difference.ts";
import type { HttpClient } from "../system/http.ts";
import type { ObjectCache } from "./object-cache.ts";
import { objectSink } from "./object-stream.ts";
import type { SubContext } from "./sub-context.ts";

/**
 * A batch is large enough to make the cost of a request negligible, and small enough to lose little and show progress.
 */
const batch = { objects: 2000, bytes: 64 << 20 } as const;

/** Fetches contents at full speed, a whole batch per request; verifies each before it counts as fetched. */
export function fetchObjects(
  context: SubContext,
  http: HttpClient,
  cache: ObjectCache,
  contents: readonly Content[],
): void {
  const { alive, log } = context;
  let done = 0;
  for (const group of batches(contents)) {
    const sink = objectSink(cache, group);
    try {
      http.post(objectPaths.batch, `${group.map((content) => content.sha512).join("\n")}\n`, (piece) => {
        alive();
        sink.take(piece);
      });
      sink.end();
    } finally {
      sink.abort();
    }
    done += group.length;
    log("info", "fetched", { objects: done, of: contents.length });
  }
}

/** Splits a list into groups within both limits; a content larger than the limit is a group of its own. */
export function* batches(contents: readonly Content[]): Generator<readonly Content[]> {
  let group: Content[] = [];
  let bytes = 0;
  for (const content of contents) {
    if (group.length > 0 && (group.length >= batch.objects || bytes + content.size > batch.bytes)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(content);
    bytes += content.size;
  }
  if (group.length > 0) yield group;
}
