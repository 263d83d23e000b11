import type { Command } from "commander";
import { describeEraseWish, type SanitizeWish } from "../../core/erasure/erase-wish.ts";
import { failure } from "../api/failure.ts";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

type CleanOptions = ActOptions & { sanitize?: string | true; allDisks?: true; restart?: true; override?: true };

/** Adds `clean`: erases and reinstalls machines quickly, before they change owner. */
export function cleanCommand(program: Command): void {
  const command = program
    .command("clean [name...]")
    .description(
      "reinstall machines at their next boot without burn-in; this erases an encrypted root disk and the data disks of the layout, and touches no other disk",
    )
    .option(
      "--sanitize [where-offered]",
      "the disks erase themselves (NVMe Sanitize or Format, ATA, SCSI); where one cannot, nothing is written and the clean fails; with where-offered its keys are destroyed only",
    )
    .option("--all-disks", "erase all other disks that stay in the machine, too; --dry-run names them")
    .option("--restart", "also while a rebirth or clean is running: it stops and begins anew")
    .option("--override", "exceed the blast radius of a group (blastRadius); recorded in the audit");
  actOptions(command, "loses").action(async (names: string[], given: CleanOptions) => {
    const { sanitize: policy, allDisks, restart, override, ...options } = given;
    const sanitize = policy === undefined ? undefined : wishOf(policy);
    const verb = {
      action: { action: "clean", sanitize, allDisks, restart, override } as const,
      loses: `the next boot erases everything on ${allDisks === true ? "all disks above that are to be erased" : "the root disk and on the data disks of the layout"}`,
      done: (machine: Parameters<typeof briefName>[0] & { generation: number }) =>
        `${briefName(machine)}: clean, generation ${machine.generation}${howText(sanitize, allDisks)}; to start it, reset the machine`,
    };
    await act(names, verb, options);
  });
}

function wishOf(policy: string | true): SanitizeWish {
  if (policy === true) return "require";
  if (policy === "where-offered") return "whereOffered";
  // `--sanitize r01u07` takes the name for the policy.
  throw failure(
    "misused",
    `--sanitize: expected no value or where-offered, found ${policy}`,
    "write the names of machines before the option",
  );
}

function howText(sanitize: SanitizeWish | undefined, allDisks: true | undefined): string {
  const wish = describeEraseWish(sanitize === undefined ? {} : { sanitize });
  return [...(wish === "" ? [] : [wish]), ...(allDisks === true ? ["all disks"] : [])]
    .map((text) => `, ${text}`)
    .join("");
}
