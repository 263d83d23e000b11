import type { World } from "../world.ts";
import { openLink } from "./flows.ts";
import type { Mirror } from "./wires.ts";

/**
 * A mirror that is asked for the image: who asks first has it fetch the image from a server; the others get what is there of it,
 * and the rest as it arrives.
 */
export function askMirror(
  { wires, flows, parameters: { mirrorLink } }: Pick<World, "wires" | "flows" | "parameters">,
  name: string,
  { totalBytes, server }: { readonly totalBytes: number; readonly server: number },
): Mirror {
  const known = wires.mirrors.get(name);
  if (known !== undefined) return known;
  const cable = { down: openLink(`${name}, receiving`, mirrorLink), up: openLink(`${name}, sending`, mirrorLink) };
  const mirror: Mirror = { cable, has: { doneBytes: 0 } };
  wires.mirrors.set(name, mirror);
  const links = wires.toMirror(server, cable);
  flows.start({ links, limitBytesPerMs: mirrorLink / 1000, totalBytes, progress: mirror.has, finished: () => {} });
  return mirror;
}
