import type { Content } from "./update/difference.ts";

/**
 * A batch is large enough to make the cost of a request negligible, and small enough to lose little and show progress.
 */
const batch = { objects: 2000, bytes: 64 << 20 } as const;
/** Most contents of a batch. */
export const maxBatchObjects = batch.objects;

/** Splits a list into the contents of one request each, within both limits; a content larger than the limit is a group of its own. */
export function* contentBatches(contents: readonly Content[]): Generator<readonly Content[]> {
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
