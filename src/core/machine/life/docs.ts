import { defaultDeadlineSeconds, phaseWaitsFor } from "../health/deadlines.ts";
import { machineStates, phases } from "../record.ts";
import { eventText, transitionText } from "./describe.ts";
import type { EventKind } from "./move.ts";
import { life } from "./table.ts";

/** docs/machine-life.md: the state × event table, as the code has it, and the deadlines of the phases. */
export function lifeDocs(): string {
  const kinds = Object.keys(life) as EventKind[];
  const rows = kinds.map((kind) => {
    const { from, says } = eventText[kind];
    const cells = machineStates.map((state) => transitionText[life[kind][state].name] ?? life[kind][state].name);
    return `| \`${kind}\`: ${says} | ${from} | ${cells.join(" | ")} |`;
  });
  const deadlines = phases.map(
    (phase) => `| ${phase} | ${phaseWaitsFor[phase].missing} | ${defaultDeadlineSeconds[phase]} |`,
  );
  return `${[
    "# The life of a machine",
    "",
    "Made of `src/core/machine/life/table.ts` by `./birther config life`; a test compares it. State is what we intend, phase what was last",
    "seen, conditions stand until something takes them away. Each cell says what an event does in a state; → is a change of state.",
    "Nothing that comes from the network leaves **healthy**; what a wipe needs is an operator's word, or a policy that one configured.",
    "",
    `| event | from | ${machineStates.join(" | ")} |`,
    `|---|---|${machineStates.map(() => "---").join("|")}|`,
    ...rows,
    "",
    "## Deadlines",
    "",
    "What is waited for in each phase, and for how many seconds before the machine is *failing* (`watch.deadlines` in the",
    "configuration). A machine on hold, in maintenance or in line for the uplink is not watched.",
    "",
    "| phase | waits until | seconds |",
    "|---|---|---|",
    ...deadlines,
  ].join("\n")}\n`;
}
