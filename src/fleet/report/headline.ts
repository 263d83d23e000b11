import { formatBytes, formatShare, formatTime } from "./format.ts";
import type { Summary } from "./summary.ts";

/** What a manager wants to know, in a few sentences. */
export function headlines(summary: Summary): readonly string[] {
  const { scenario, machines, expected, expectedUp, allUpMs, endMs, limits, broken } = summary;
  const { racks, machinesPerRack, servers, imageBytes, peers } = scenario;
  const site = `${racks} racks of ${machinesPerRack} machines, ${servers} ${servers === 1 ? "server" : "servers"}, an image of ${formatBytes(imageBytes)}, ${peers ? "with" : "without"} peers`;
  const [first, ...others] = limits;
  const lines = [site];
  if (broken.length > 0) lines.push(`BROKEN after ${formatTime(endMs)}: ${broken[0]?.what ?? ""}`);
  else if (allUpMs === undefined)
    lines.push(`NOT complete after ${formatTime(endMs)}: ${expectedUp} of ${expected} expected machines are up.`);
  else
    lines.push(
      `All ${expected === machines ? machines : `${expected} machines that can be`} are healthy and up after ${formatTime(allUpMs)}.`,
    );
  if (first !== undefined)
    lines.push(
      `What takes longest: ${first.what}, ${formatShare(first.share)} of the time of the last machine.`,
      `To be faster: ${first.change}.`,
    );
  if (others.length > 0)
    lines.push(`After it: ${others.map(({ what, share }) => `${what} (${formatShare(share)})`).join(", ")}.`);
  return lines;
}
