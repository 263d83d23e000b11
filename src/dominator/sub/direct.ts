import {
  type AssessedReport,
  type Directive,
  decideDirective,
  type PollDecision,
  type SubPolicy,
} from "../../core/image/update/directive.ts";
import { defaultArchitecture } from "../../core/machine/architecture.ts";
import type { MachineEvent } from "../../core/machine/event.ts";
import { hasOwnSystem } from "../../core/machine/life/boot.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { ComparedTree, ReadPoll, SmallPoll } from "../thread/read-poll.ts";
import { whyHeld } from "./sender.ts";
import type { SubAppInput } from "./sub-app-input.ts";

type Trust = Parameters<typeof decideDirective>[0]["trust"];

export function direct(
  machine: Machine,
  { poll, compared }: Extract<ReadPoll, { kind: "poll" }>,
  {
    images,
    policy,
    othersUpdate,
    trust,
  }: Pick<SubAppInput, "images" | "othersUpdate"> & { readonly policy: SubPolicy; readonly trust: Trust },
): PollDecision {
  const { requiredImage } = machine;
  const { outcome } = poll;
  return decideDirective({
    required: requiredImage,
    image: requiredImage === undefined ? undefined : images.get(requiredImage),
    architecture: machine.hardware?.architecture ?? defaultArchitecture,
    held: whyHeld(machine),
    left: othersUpdate === true && hasOwnSystem(machine) ? "an external Dominator updates this machine" : undefined,
    failure: outcome?.kind === "failed" && outcome.directive !== "upgradeAgent" ? outcome.reason : undefined,
    forced: machine.forcedImage,
    trust,
    report: assessedReport(poll, compared),
    policy,
  });
}

/** What a poll says about the machine's tree: as the thread compared it, or as the sub did. */
function assessedReport(poll: SmallPoll, compared: ComparedTree | undefined): AssessedReport {
  const { comparison, ...report } = poll;
  if (compared !== undefined) return { ...report, compared: { ...compared, hasPlan: true } };
  if (comparison === undefined) return report;
  const { plan, ...own } = comparison;
  return { ...report, compared: { ...own, hasPlan: plan !== undefined } };
}

/** A stopped update is compared again after this time, because each comparison reads the machine's disk. */
const stoppedSeconds = 300;

type Stop = Extract<PollDecision, { kind: "stop" }>;
type Wait = Extract<Directive, { kind: "wait" }>;

export function waitForOperator({ reason }: Stop): Wait {
  return { kind: "wait", seconds: stoppedSeconds, reason: `stopped: ${reason}` };
}

export function stopEvent({ id, hostname = id }: Machine, { image, reason, cause }: Stop): MachineEvent {
  const stopped = { kind: "failed", id, image } as const;
  if (cause === "rejectedKernel") {
    const again = `birther set ${hostname} requiredImage=FORMER, and then ${image} again`;
    return { ...stopped, step: "reboot", reason: `${reason}. Promote another version, or retry this kernel: ${again}` };
  }
  if (cause === "otherArchitecture") {
    const next = `give it another image: a rule with when.architecture, or birther set ${hostname} requiredImage=NAME`;
    return { ...stopped, step: "update", reason: `${reason}. Nothing was changed; ${next}` };
  }
  const next = `import a whole image and promote it, or force this one: birther set ${hostname} forcedImage=${image}`;
  return { ...stopped, step: "update", reason: `stopped before its first step: ${reason}. ${next}` };
}

export function waitFor(reason: string, { pollSeconds }: SubPolicy): Wait {
  return { kind: "wait", seconds: pollSeconds, reason };
}
