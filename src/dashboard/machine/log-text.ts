import type { LogView } from "../../contract/operator/views.ts";
import { bootsOf } from "../../core/machine/log-line.ts";
import { timeText, type Zone } from "../text/time.ts";
import { visibleText } from "../text/visible-text.ts";

/** Log lines, each with its time of day; a line of its own where a boot or another day begins, with the date and the zone. */
export function logText({ lines, boot = 1, boots }: Pick<LogView, "lines" | "boot" | "boots">, zone: Zone): string {
  const text: string[] = [];
  for (const [at, { lines: ofBoot }] of bootsOf(lines).entries()) {
    let day = "";
    for (const line of ofBoot) {
      const [date = "", time = "", ...offset] = timeText(line.atMs, zone).split(" ");
      const isFirst = day === "";
      if (date !== day)
        text.push(
          isFirst
            ? `-- boot ${Math.min(boot + at, boots)} of ${boots}, ${[date, time, ...offset].join(" ")} --`
            : `-- ${date} --`,
        );
      day = date;
      text.push(`${time} ${visibleText(line.text)}`);
    }
  }
  return text.join("\n");
}
