import * as v from "valibot";
import { defaultDeadlineSeconds, phaseWaitsFor } from "../../../core/machine/health/deadlines.ts";
import type { RepairPolicy } from "../../../core/machine/health/repair.ts";
import { defaultWatchRules } from "../../../core/machine/health/stall-detection.ts";
import { type Phase, phases } from "../../../core/machine/phase.ts";
import { pinned } from "../../same.ts";
import { leaf, optional, required, withDefault } from "../entry.ts";
import { count, path, seconds } from "../values.ts";

const webAddress = leaf(
  "an http:// or https:// URL",
  v.pipe(v.string(), v.url(), v.regex(/^https?:\/\//), v.maxLength(1024)),
);
const deadline = (phase: Phase) =>
  withDefault(
    seconds(10, 2_592_000),
    defaultDeadlineSeconds[phase],
    `Time limit in seconds until ${phaseWaitsFor[phase].missing}.`,
  );
const deadlineEntries = Object.fromEntries(phases.map((phase) => [phase, deadline(phase)])) as {
  readonly [P in Phase]: ReturnType<typeof deadline>;
};

const webhooks = withDefault(
  leaf(
    "a list of at most 8 webhooks",
    v.pipe(
      v.array(
        v.strictObject({
          url: required(webAddress, "URL to which events are sent as JSON (POST)."),
          secretFile: required(
            path,
            "File with the secret that signs the requests, such as `whsec_` and 32 bytes in Base64 (docs/webhooks.md).",
          ),
        }),
      ),
      v.maxLength(8),
    ),
  ),
  [],
  "Receivers of a notification when a machine is *failing*, has recovered, is in *conflict*, is on *hold*, or becomes healthy.",
);

const repair = optional(
  v.strictObject({
    afterSeconds: withDefault(
      seconds(300, 604_800),
      1800,
      "How long a machine must be *failing* before the first repair step, and between steps, in seconds.",
    ),
    rebirths: withDefault(
      count("a whole number of rebirths", 0, 16),
      2,
      "Maximum number of rebirths of one machine within `withinSeconds`.",
    ),
    withinSeconds: withDefault(seconds(3600, 2_592_000), 86_400, "Time window for `rebirths`, in seconds."),
    rebirthsPerHour: withDefault(
      count("a whole number of rebirths", 1, 10_000),
      5,
      "Maximum number of rebirths in the whole fleet per hour.",
    ),
  }),
  "Automatic repair of machines that keep failing: rebirth within this budget, then *debug*, then *hold*. A healthy machine is sent to rebirth only if its agent is silent, its permanent address does not answer, and two network boots were proved by their tokens (docs/decisions/repair-by-policy.md); the rebirth **erases its root disk**. Without this section, nothing is repaired automatically.",
);

pinned<RepairPolicy>()(repair);

/** How stalled machines are detected, reported and repaired. */
export const watch = withDefault(
  v.strictObject({
    deadlines: withDefault(
      v.strictObject(deadlineEntries),
      {},
      "How many seconds a machine may stay in each phase before it is *failing* (docs/machine-life.md).",
    ),
    boots: withDefault(
      count("a whole number of starts", 2, 100),
      defaultWatchRules.boots,
      "A machine that starts this many times during its installation without progress is *failing*.",
    ),
    bootsWithinSeconds: withDefault(
      seconds(60, 604_800),
      defaultWatchRules.bootsWithinSeconds,
      "Time window for `boots`, in seconds.",
    ),
    burnInAttempts: withDefault(
      count("a whole number of starts", 2, 100),
      defaultWatchRules.burnInAttempts,
      "A machine whose init starts this many times without completing a burn-in is *failing*.",
    ),
    webhooks,
    repair,
  }),
  {},
  "How stalled machines are detected, reported and repaired.",
);
