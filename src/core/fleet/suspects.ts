import type { BurnInReport, Hardware } from "../hardware/hardware.ts";
import type { Suspect } from "../machine/record.ts";
import { hardwareTest } from "./measured.ts";
import { figuresAmong, type Model } from "./siblings.ts";
import { outlierScore } from "./spread.ts";

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
  model: Pick<Model, "figures">,
): Suspect[] {
  const suspects: Suspect[] = [];
  for (const { own, usual, score } of figuresAmong(measured, model)) {
    const { test, part, subject, figure, value } = own;
    const { median, least, most, machines } = usual;
    if (!isMore(figure) || machines < leastSiblings) continue;
    const share = test === hardwareTest ? suspectShare.counted : suspectShare.measured;
    const isFar = score <= -outlierScore && value < median * share;
    if (!isFar || suspects.length === suspectLimit) continue;
    const named = part === "" ? subject : `${subject} (${part})`;
    suspects.push({ test, subject: named, figure, value, machines, median, least, most });
  }
  return suspects;
}
