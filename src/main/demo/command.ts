import { type Command, InvalidArgumentError, Option } from "commander";
import { failure } from "../../cli/api/failure.ts";
import type { DemoOptions } from "./options.ts";

const wholeNumber = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
  }
  return value;
};

/** Adds `demo`: a virtual rack whose machines are born for real. */
export function demoCommand(program: Command): void {
  program
    .command("demo")
    .description("power on a virtual rack of unknown machines and watch them being installed")
    .option("--machines <n>", "number of machines", wholeNumber(1, 48), 2)
    .addOption(
      new Option("--firmware <kind>", "firmware of the machines").choices(["bios", "uefi", "mixed"]).default("mixed"),
    )
    .option("--once", "end when every machine is up or has failed; exit status 1 if one failed", false)
    .option("--json", "print one JSON object about all machines as the last line of standard output", false)
    .option("--keep", "keep disks, logs and state", false)
    .option("--memory <mib>", "memory of each machine", wholeNumber(512, 65_536), 1024)
    .option(
      "--directory <dir>",
      "directory for disks, logs and state; must be empty or new (default: a new one in $TMPDIR or /var/tmp)",
    )
    .option("--deadline <minutes>", "a machine that is not up after this time has failed", wholeNumber(1, 1440), 25)
    .option("--stall <minutes>", "a machine without progress for this time has failed", wholeNumber(1, 1440), 8)
    .action(async (options: DemoOptions) => {
      if (process.getuid?.() !== 0)
        throw failure(
          "failed",
          "birther demo: expected root, found another user (it makes a network namespace and installs Debian packages)",
          "run it as root: sudo ./birther demo",
        );
      // Loaded only here, so that `birther --help` stays fast.
      const { runDemo } = await import("./demo.ts");
      process.exitCode = await runDemo(options);
    });
}
