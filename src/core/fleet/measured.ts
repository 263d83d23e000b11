import type { BurnInReport, Hardware } from "../hardware/hardware.ts";
import { isFixed } from "../hardware/suitable-disk.ts";

/** One value of one machine, as its burn-in measured it or its scan counted it. */
export type Measured = {
  /** The burn-in's test, or `hardware`: what the scan has counted. */
  readonly test: string;
  /** The model of the disk that was tested, because a machine may have fast and slow ones; empty for other tests. */
  readonly part: string;
  readonly subject: string;
  /** Its name with the unit last, such as `writeMiBps`. */
  readonly figure: string;
  readonly value: number;
};

/** The test of what the scan has counted. */
export const hardwareTest = "hardware";

/** What a machine's burn-in has measured and its scan has counted; nothing without a burn-in. */
export function* measuredBy({
  burnIn,
  hardware,
}: {
  readonly burnIn?: BurnInReport;
  readonly hardware?: Hardware;
}): Generator<Measured, void, undefined> {
  for (const { test, subject, figures } of burnIn?.results ?? []) {
    const part = test.startsWith("disk") ? (hardware?.disks.find(({ path }) => path === subject)?.model ?? "") : "";
    for (const [figure, value] of Object.entries(figures))
      if (Number.isFinite(value)) yield { test, part, subject, figure, value };
  }
  if (burnIn !== undefined && burnIn.results.length > 0 && hardware !== undefined) yield* counted(hardware);
}

function* counted({ cpus, memoryMiB, disks, nics }: Hardware): Generator<Measured, void, undefined> {
  const linkMbps = Math.max(0, ...nics.map(({ carrier, speedMbps }) => (carrier ? speedMbps : 0)));
  const figures = { cpus, memoryMiB, disks: disks.filter(isFixed).length, ...(linkMbps === 0 ? {} : { linkMbps }) };
  for (const [figure, value] of Object.entries(figures))
    yield { test: hardwareTest, part: "", subject: "scan", figure, value };
}
