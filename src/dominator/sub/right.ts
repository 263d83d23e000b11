import { parseImageName } from "../../core/image/image-name.ts";
import { type Known, machineWith, whyHeld, whyStranger } from "./sender.ts";

/** What the sender of a request may read: all public contents, and those of its stream; or why nothing. */
export type Right =
  | { readonly kind: "right"; readonly stream?: string }
  | { readonly kind: "refused"; readonly status: 401 | 403 | 409; readonly type: string; readonly body: string };

/**
 * Decides by the `Authorization` header of a request. A credential ends with the next birth, with retirement, and while the machine is
 * held; the stream is that of the image that the machine is to run now.
 */
export function rightOf(authorization: string | undefined, store: Known): Right {
  const machine = machineWith(authorization, store);
  if (machine === undefined) {
    const { status, problem } = whyStranger(authorization, store);
    return { kind: "refused", status, type: "application/json", body: JSON.stringify(problem) };
  }
  const held = whyHeld(machine);
  if (held !== undefined) return { kind: "refused", status: 403, type: "text/plain", body: `${held}\n` };
  const { requiredImage } = machine;
  const stream = requiredImage === undefined ? undefined : parseImageName(requiredImage)?.stream;
  return { kind: "right", ...(stream === undefined ? {} : { stream }) };
}
