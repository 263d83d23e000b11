import { type Command, InvalidArgumentError, Option } from "commander";
import type { DemoOptions } from "./options.ts";

const wholeNumber = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new InvalidArgumentError(`it must be a whole number from ${least} to ${most}.`);
  }
  return value;
};

/** Adds `demo`: a virtual rack whose machines are born for real. */
export function demoCommand(program: Command): void {
  program
    .command("demo")
    .description("power on a virtual rack of machines never described anywhere, and watch them being born")
    .option("--machines <n>", "how many", wholeNumber(1, 48), 2)
    .addOption(new Option("--firmware <kind>", "of the machines").choices(["bios", "uefi", "mixed"]).default("mixed"))
    .option("--once", "end when all are up; exit status 1 if one is not", false)
    .option("--json", "last line on standard output: one JSON object on all machines", false)
    .option("--keep", "leave disks, logs and state behind", false)
    .option("--memory <mib>", "memory of each machine", wholeNumber(512, 65_536), 1024)
    .option(
      "--directory <dir>",
      "for disks, logs and state; must be empty or not there (default: a fresh one in /var/tmp)",
    )
    .option("--deadline <minutes>", "a machine that is not up by then has failed", wholeNumber(1, 1440), 25)
    .option("--stall <minutes>", "a machine without progress for so long has failed", wholeNumber(1, 1440), 8)
    .action(async (options: DemoOptions) => {
      // Loaded only now: `birther --help` answers without it.
      const { runDemo } = await import("./demo.ts");
      process.exitCode = await runDemo(options);
    });
}
