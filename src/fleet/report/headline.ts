import { counted } from "../../core/bytes/counted.ts";
import type { RolloutOutcome } from "../rollout.ts";
import { formatBytes, formatShare, formatTime } from "./format.ts";
import type { Summary } from "./summary.ts";

/** What a manager wants to know, in a few sentences. */
export function headlines(summary: Summary): readonly string[] {
  const { scenario, machines, expected, expectedUp, allUpMs, endMs, limits, broken, rollout } = summary;
  const { racks, machinesPerRack, servers, imageBytes, peers } = scenario;
  const site = `${counted(racks, "rack")} of ${counted(machinesPerRack, "machine")}, ${counted(servers, "server")}, an image of ${formatBytes(imageBytes)}, ${peers ? "with" : "without"} peers`;
  const [first, ...others] = limits;
  const lines = [site];
  if (broken.length > 0) lines.push(`BROKEN after ${formatTime(endMs)}: ${broken[0]?.what ?? ""}`);
  else if (allUpMs === undefined)
    lines.push(`NOT complete after ${formatTime(endMs)}: ${expectedUp} of ${expected} expected machines are up.`);
  else
    lines.push(
      `All ${expected === machines ? machines : `${expected} machines that can be`} are healthy and up after ${formatTime(allUpMs)}.`,
    );
  if (rollout !== undefined) lines.push(rolloutLine(rollout, allUpMs));
  if (first !== undefined)
    lines.push(
      `What takes longest: ${first.what}, ${formatShare(first.share)} of the time of the last machine.`,
      `To be faster: ${first.change}.`,
    );
  if (others.length > 0)
    lines.push(`After it: ${others.map(({ what, share }) => `${what} (${formatShare(share)})`).join(", ")}.`);
  return lines;
}

/** How the working machines moved to their next version, and how long the births beside it took. */
function rolloutLine(rollout: RolloutOutcome, allUpMs: number | undefined): string {
  const { machines, beganMs, image, moved, movedMs, refused } = rollout;
  if (beganMs === undefined)
    return `The rollout has not begun: not all ${machines} machines that were to work before were up.`;
  const why = refused === undefined ? "" : `; the latest request was refused: ${refused}`;
  if (image === undefined || movedMs === undefined)
    return `The rollout that began after ${formatTime(beganMs)} has moved ${moved} of ${machines} working machines${why}.`;
  const births =
    allUpMs === undefined
      ? ""
      : `; the machines born meanwhile were up ${formatTime(allUpMs - beganMs)} after it began`;
  return `${machines} working machines moved to ${image} within ${formatTime(movedMs - beganMs)}${births}.`;
}
