import type { BurnInReport, Hardware } from "../hardware/hardware.ts";
import type { Suspect } from "../machine/record.ts";
import { leastFigureDeviation } from "./burn-in-figures.ts";
import { hardwareTest, measuredBy } from "./measured.ts";
import type { Model } from "./siblings.ts";
import { outlierScore, scoreIn } from "./spread.ts";

/** Fewer siblings say nothing of a machine. */
const leastSiblings = 8;
/**
 * Siblings that agree to a thousandth make a harmless difference a great distance, so a figure must also be below this
 * share of their median: measurements differ with temperature and position, what is counted does not.
 */
const suspectShare = { measured: 0.8, counted: 0.98 };
const suspectLimit = 20;

/** Only figures whose fall means trouble: rates, and what is built in. Counts of errors fail the test by themselves. */
const isMore = (figure: string): boolean => /(MiBps|PerSecond|Mbps)$|^(cpus|memoryMiB|disks)$/.test(figure);

/** What of a machine is far below the machines of its model (a disk: disks of its own model in those), although nothing failed. */
export function suspectsOf(
  measured: { readonly burnIn: BurnInReport; readonly hardware?: Hardware },
  { figures }: Pick<Model, "figures">,
): Suspect[] {
  const suspects: Suspect[] = [];
  for (const { test, part, subject, figure, value } of measuredBy(measured)) {
    if (!isMore(figure)) continue;
    const usual = figures.find((one) => one.test === test && one.part === part && one.figure === figure);
    if (usual === undefined || usual.machines < leastSiblings) continue;
    const { median, least, most, machines } = usual;
    const share = test === hardwareTest ? suspectShare.counted : suspectShare.measured;
    const isFar = scoreIn(usual, value, leastFigureDeviation(usual)) <= -outlierScore && value < median * share;
    if (!isFar || suspects.length === suspectLimit) continue;
    const named = part === "" ? subject : `${subject} (${part})`;
    suspects.push({ test, subject: named, figure, value, machines, median, least, most });
  }
  return suspects;
}
