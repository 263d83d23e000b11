import {
  followedStream,
  type ImageStream,
  imageFor,
  imageStreamDocument,
  imageStreamOf,
} from "../../core/image/stream/image-stream.ts";
import type { Decision, Refusal } from "../../core/machine/event.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Store } from "../../core/ports.ts";
import { applyInParts, forEachInTurns } from "../turns.ts";

type Streams = Pick<Store, "documents" | "replaceDocument" | "apply" | "list">;

/** Writes a stream that was decided on `before`; `overtaken` if another one is there meanwhile. */
export function writeStream(
  store: Streams,
  held: ImageStream,
  { before, by }: { readonly before: ImageStream | undefined; readonly by: string },
): Promise<"written" | "overtaken"> {
  return store.replaceDocument({ ...imageStreamDocument(held), by, onlyIf: (now) => now === before });
}

/**
 * Gives machines the version that their stream has for them. While the stream moves these are all machines that follow it,
 * and the move ends here; otherwise it is the machine that tries a version. A newborn needs none of this: it gets its version
 * from the stream when it becomes healthy. May be repeated after an interruption.
 */
export async function moveMachines(store: Streams, stream: string): Promise<void> {
  const held = imageStreamOf(store, stream);
  if (held === undefined) return;
  const { moving, promotion } = held;
  const ids = moving === true ? await followersOf(store, stream) : promotion === undefined ? [] : [promotion.canary];
  const by = promotion?.by ?? held.by;
  await applyInParts(ids, (id) => requireOf(store, stream, { id, by }));
  if (held.moving === undefined) return;
  const { moving: _ended, ...settled } = held;
  await writeStream(store, settled, { before: held, by });
}

async function followersOf(store: Streams, stream: string): Promise<readonly MachineId[]> {
  const followers: MachineId[] = [];
  await forEachInTurns([...store.list()], (machine) => {
    if (followedStream(machine) === stream) followers.push(machine.id);
  });
  return followers;
}

function requireOf(
  store: Streams,
  stream: string,
  { id, by }: { readonly id: MachineId; readonly by: string },
): Promise<Decision> {
  const held = () => imageStreamOf(store, stream);
  const imageNow = () => imageFor([held() ?? []].flat(), stream, id);
  const image = imageNow();
  // Another operator may have promoted meanwhile: that request moves the machine, and this one leaves it there.
  const guard = (): Refusal | undefined => (imageNow() === image ? undefined : overtaken(stream));
  return store.apply({ kind: "imageRequired", id, image, by }, { by, guard });
}

/** The refusal of a request that another one of the same stream has overtaken. */
export function overtaken(stream: string): Refusal {
  return {
    kind: "promotionRefused",
    message: `another operator has moved ${stream} meanwhile`,
    next: "to see what it is now, run birther image list; then repeat the command if it is still wanted",
  };
}
