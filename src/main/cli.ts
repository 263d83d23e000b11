/** The `birther` command. Verbs load what they need when they act, so that help comes at once. */
import { Command } from "commander";
import { auditCommand } from "../cli/audit.ts";
import { cancelCommand } from "../cli/cancel.ts";
import { cleanCommand } from "../cli/clean.ts";
import { configCommand } from "../cli/config.ts";
import { createCommand } from "../cli/create.ts";
import type { Deeds } from "../cli/deeds.ts";
import { eventsCommand } from "../cli/events.ts";
import { exportCommand } from "../cli/export.ts";
import { exitStatus, statusOf } from "../cli/failure.ts";
import { holdCommand } from "../cli/hold.ts";
import { imageCommand } from "../cli/image.ts";
import { labCommand } from "../cli/lab.ts";
import { logCommand } from "../cli/log.ts";
import { machinesCommand } from "../cli/machines.ts";
import { mdbCommand } from "../cli/mdb.ts";
import { networksCommand } from "../cli/networks.ts";
import { packetsCommand } from "../cli/packets.ts";
import { quirksCommand } from "../cli/quirks.ts";
import { rebirthCommand } from "../cli/rebirth.ts";
import { releaseCommand } from "../cli/release.ts";
import { retireCommand } from "../cli/retire.ts";
import { serveCommand } from "../cli/serve.ts";
import { setCommand } from "../cli/set.ts";
import { showCommand } from "../cli/show.ts";
import { statusCommand } from "../cli/status.ts";
import { takeoverCommand } from "../cli/takeover.ts";
import { tokensCommand } from "../cli/tokens.ts";
import { watchCommand } from "../cli/watch.ts";
import { whyCommand } from "../cli/why.ts";
import { causes } from "./causes.ts";
import { demoCommand } from "./demo/command.ts";
import { placesIn } from "./places.ts";
import { version } from "./version.ts";

const deeds: Deeds = {
  serve: async (options) => (await import("./serve.ts")).serve(options),
  buildBootstrapImage: async (state) => (await import("./image-deeds.ts")).buildBootstrapImage(state),
  listImages: async (state) => (await import("./image-deeds.ts")).listImages(state),
  importImage: async (options) => (await import("./image-deeds.ts")).importImage(options),
  databaseIn: (state) => placesIn(state).database,
  copyMdb: async (options) => (await import("./mdb-deeds.ts")).copyMdb(options),
  restoreMdb: async (options) => (await import("./mdb-deeds.ts")).restoreMdb(options),
};

const closing = `
Exit status: 0 done · 1 refused or failed · 2 wrong command line or configuration · 3 no server runs
A machine is named by its hostname, id, address or hardware address.`;

const program = new Command("birther")
  .description("Births bare-metal machines: from an unknown machine's PXE broadcast to a working machine.")
  .version(version)
  .showHelpAfterError("(birther --help, or birther VERB --help)")
  .addHelpText("after", closing)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? exitStatus.done : exitStatus.misused));

const [fleet, machine, images, running] = ["The fleet:", "A machine:", "Images and configuration:", "Running it:"];
program.commandsGroup(fleet);
statusCommand(program);
machinesCommand(program);
networksCommand(program);
quirksCommand(program);
watchCommand(program);
auditCommand(program);
tokensCommand(program);
exportCommand(program);
program.commandsGroup(machine);
for (const add of [
  showCommand,
  whyCommand,
  eventsCommand,
  logCommand,
  packetsCommand,
  rebirthCommand,
  cleanCommand,
  cancelCommand,
  holdCommand,
  releaseCommand,
  createCommand,
  setCommand,
  retireCommand,
  takeoverCommand,
]) {
  add(program);
}
program.commandsGroup(images);
imageCommand(program, deeds);
configCommand(program);
program.commandsGroup(running);
serveCommand(program, deeds);
demoCommand(program);
labCommand(program);
mdbCommand(program, deeds);

try {
  await program.parseAsync();
} catch (error) {
  // What was logged in this turn comes first (line-writer.ts).
  await new Promise((resolve) => setImmediate(resolve));
  process.stderr.write(`birther: ${causes(error)}\n`);
  process.exitCode = statusOf(error);
}
