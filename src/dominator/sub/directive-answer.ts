import type { Context } from "hono";
import { type Comparison, type PackOrigin, wholeDirective } from "../../core/image/update/directive.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { ComparedTree } from "../thread/read-poll.ts";
import type { SentDirective } from "./events.ts";
import { confidentialStream } from "./poll-body.ts";
import { slicesOf } from "./slices.ts";
import type { SubAppInput } from "./sub-app-input.ts";

/** A large directive is sent in slices, because encrypting it at once would take milliseconds. */
export function answer(
  context: Context,
  directive: SentDirective,
  {
    comparison,
    compared,
    origin,
  }: {
    readonly comparison: Comparison | undefined;
    readonly compared: ComparedTree | undefined;
    readonly origin: PackOrigin | undefined;
  },
): Response {
  const confidential = origin?.confidential;
  if (directive.kind === "compare" && confidential !== undefined)
    return context.json({ ...directive, confidentialPort: confidential.port });
  if (directive.kind !== "fetch" && directive.kind !== "update") return context.json(directive);
  if (compared !== undefined) {
    const headers = { "content-type": "application/json", "content-length": String(compared.directive.length) };
    return new Response(slicesOf(compared.directive), { headers });
  }
  if (comparison?.plan === undefined) throw new Error(`directive ${directive.kind}: expected a plan, found none`);
  return context.json(wholeDirective(directive, comparison.plan, origin));
}

/** Where a machine's image is in packs, and who has them. */
export function originFor(
  { id, requiredImage }: Machine,
  { packs, images }: Pick<SubAppInput, "packs" | "images">,
): PackOrigin | undefined {
  const image = requiredImage === undefined ? undefined : images.get(requiredImage);
  if (packs === undefined || image === undefined) return undefined;
  return { find: packs.find(confidentialStream(image)), ...packs.serversFor(id, image) };
}
