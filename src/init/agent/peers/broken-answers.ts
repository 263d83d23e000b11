/** After as many answers that broke, another machine is the better source. */
const mostBroken = 3;
/** With less than this between two broken answers, a machine does not go on. */
const leastBytes = 64 << 10;

/** What a broken answer says of a machine. */
export type BrokenAnswers = {
  /** `arrivedBytes` of the fetch; "again": the machine is asked for the rest at once. */
  readonly judge: (machineId: string, arrivedBytes: number) => "again" | "noUse" | "toBlame";
};

/**
 * A machine that serves the files of its system closes the connection in the middle of a content when a user of its wants to write to that
 * file, and every machine does so when its keys are revoked. Asked again, it says which: that it lacks the content, that it knows no such
 * key, or it sends the rest, because the file was not changed. One that breaks off and gives nothing then is at fault.
 */
export function brokenAnswers(): BrokenAnswers {
  const broken = new Map<string, { readonly times: number; readonly arrivedBytes: number }>();
  return {
    judge: (machineId, arrivedBytes) => {
      const before = broken.get(machineId);
      const times = (before?.times ?? 0) + 1;
      broken.set(machineId, { times, arrivedBytes });
      if (before !== undefined && arrivedBytes - before.arrivedBytes < leastBytes) return "toBlame";
      return times > mostBroken ? "noUse" : "again";
    },
  };
}
