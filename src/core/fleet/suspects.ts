import type { BurnInReport, Hardware } from "../hardware/hardware.ts";
import type { Suspect } from "../machine/record.ts";
import { hardwareTest } from "./measured.ts";
import { figuresAmong, type Model, type ScoredFigure } from "./siblings.ts";
import { outlierScore } from "./spread.ts";

/** Fewer siblings say nothing of a machine. */
const leastSiblings = 8;
/**
 * Siblings that agree to a thousandth make a harmless difference a great distance, so a figure must also be below this
 * share of their median: measurements differ with temperature and position, what is counted does not.
 */
const suspectShare = { measured: 0.8, counted: 0.98 };
const suspectLimit = 20;

/** Figures whose fall means trouble: rates, and what is built in. */
const isMore = (figure: string): boolean => /(MiBps|PerSecond|Mbps)$|^(cpus|memoryMiB|disks)$/.test(figure);

/**
 * Figures whose rise means trouble, and what is still harmless: as many times the siblings' median, and so much more. Latency
 * and temperature differ with load and position; of errors that are no fault yet, a sound machine has none.
 */
const lessIsBetter: { readonly [figure: string]: { readonly times: number; readonly more: number } } = {
  latencyP50Ms: { times: 2, more: 1 },
  latencyP99Ms: { times: 3, more: 10 },
  writeP99Ms: { times: 3, more: 50 },
  temperatureCelsius: { times: 1, more: 15 },
  enduranceUsedPercent: { times: 1, more: 30 },
  reallocatedSectors: { times: 1, more: 10 },
  crcErrors: { times: 1, more: 100 },
  pendingSectors: { times: 1, more: 0 },
  uncorrectableSectors: { times: 1, more: 0 },
  mediaErrors: { times: 1, more: 0 },
  readErrors: { times: 1, more: 0 },
  writeErrors: { times: 1, more: 0 },
  correctedErrors: { times: 1, more: 0 },
  kernelErrors: { times: 1, more: 0 },
  throttles: { times: 2, more: 10 },
  nicErrors: { times: 2, more: 10 },
};

/** What of a machine is far from the machines of its model (a disk: disks of its own model in those), although nothing failed. */
export function suspectsOf(
  measured: { readonly burnIn: BurnInReport; readonly hardware?: Hardware },
  model: Pick<Model, "figures">,
): Suspect[] {
  const suspects: Suspect[] = [];
  for (const scored of figuresAmong(measured, model)) {
    const { own, usual } = scored;
    const { test, part, subject, figure, value } = own;
    const { median, least, most, machines } = usual;
    if (machines < leastSiblings || !isFar(scored) || suspects.length === suspectLimit) continue;
    const named = part === "" ? subject : `${subject} (${part})`;
    suspects.push({ test, subject: named, figure, value, machines, median, least, most });
  }
  return suspects;
}

function isFar({ own: { test, figure, value }, usual, score }: ScoredFigure): boolean {
  const { median, mad } = usual;
  const share = test === hardwareTest ? suspectShare.counted : suspectShare.measured;
  if (isMore(figure)) return score <= -outlierScore && value < median * share;
  const harmless = lessIsBetter[figure];
  if (harmless === undefined || value <= median * harmless.times + harmless.more) return false;
  // Where all have 0, nothing is a number of deviations away.
  return score >= outlierScore || (median === 0 && mad === 0);
}
