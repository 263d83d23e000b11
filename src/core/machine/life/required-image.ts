import { parseImageName } from "../../image/image-name.ts";
import { followedStream, streamOfImage } from "../../image/stream/image-stream.ts";
import type { Machine, MachineId, MachineIn } from "../record.ts";
import type { InstalledState } from "../state.ts";
import { type Context, changed, conditionOf, nameOf, refused, type Transition, withoutConditions } from "./move.ts";

/** The facts of a machine that gets an image: a stream stands for its current version, which the machine then follows. */
export function requiredOf(
  wanted: string,
  id: MachineId,
  { imageFor }: Pick<Context, "imageFor">,
): Pick<MachineIn<InstalledState>, "requiredImage" | "imageStream"> {
  const requiredImage = imageFor(wanted, id);
  return requiredImage === wanted ? { requiredImage } : { requiredImage, imageStream: wanted };
}

/** The machine requires another version of the stream that it follows; one that follows no stream, or another one, refuses. */
export const requireImage: Transition<"imageRequired", InstalledState> = (machine, { image }) => {
  const stream = parseImageName(image)?.stream;
  const followed = followedStream(machine);
  if (stream === undefined || followed !== stream)
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)} requires ${machine.requiredImage} and does not follow ${streamOfImage(image) ?? image}`,
      next: "no action is needed",
    });
  if (machine.requiredImage === image && machine.imageStream === stream) return changed(machine);
  return changed(withoutStopped({ ...machine, requiredImage: image, imageStream: stream }));
};

/** The record without a stopped update that is no longer wanted, or that an operator has forced since. */
export function withoutStopped<M extends Machine>(machine: M): M {
  const stopped = conditionOf(machine, "failing")?.image;
  const stands = stopped === undefined || (stopped === machine.requiredImage && stopped !== machine.forcedImage);
  return stands ? machine : withoutConditions(machine, "failing");
}
