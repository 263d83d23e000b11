import { Command } from "commander";
import type { Actions } from "../cli/act/actions.ts";
import { cancelCommand } from "../cli/act/cancel.ts";
import { cleanCommand } from "../cli/act/clean.ts";
import { createCommand } from "../cli/act/create.ts";
import { holdCommand } from "../cli/act/hold.ts";
import { rebirthCommand } from "../cli/act/rebirth.ts";
import { rebootCommand } from "../cli/act/reboot.ts";
import { releaseCommand } from "../cli/act/release.ts";
import { retireCommand } from "../cli/act/retire.ts";
import { setCommand } from "../cli/act/set.ts";
import { takeoverCommand } from "../cli/act/takeover.ts";
import { exitStatus } from "../cli/api/failure.ts";
import { completionCommand } from "../cli/completion/completion.ts";
import { auditCommand } from "../cli/read/audit.ts";
import { burnInCommand } from "../cli/read/burn-in.ts";
import { erasuresCommand } from "../cli/read/erasures.ts";
import { eventsCommand } from "../cli/read/events.ts";
import { exportCommand } from "../cli/read/export.ts";
import { logCommand } from "../cli/read/log.ts";
import { machinesCommand } from "../cli/read/machines.ts";
import { networksCommand } from "../cli/read/networks.ts";
import { packetsCommand } from "../cli/read/packets.ts";
import { quirksCommand } from "../cli/read/quirks.ts";
import { failuresCommand, racksCommand } from "../cli/read/racks.ts";
import { reportCommand } from "../cli/read/report.ts";
import { showCommand } from "../cli/read/show.ts";
import { slotCommand } from "../cli/read/slot.ts";
import { statusCommand } from "../cli/read/status.ts";
import { watchCommand } from "../cli/read/watch.ts";
import { whyCommand } from "../cli/read/why.ts";
import { authorityCommand } from "../cli/server/authority.ts";
import { configCommand } from "../cli/server/config.ts";
import { dashboardCommand } from "../cli/server/dashboard.ts";
import { imageCommand } from "../cli/server/image.ts";
import { labCommand } from "../cli/server/lab.ts";
import { mdbCommand } from "../cli/server/mdb.ts";
import { planCommand } from "../cli/server/plan.ts";
import { secureBootCommand } from "../cli/server/secure-boot.ts";
import { serveCommand } from "../cli/server/serve.ts";
import { tokensCommand } from "../cli/server/tokens.ts";
import { demoCommand } from "./demo/command.ts";
import { pathsIn } from "./paths.ts";
import { simulateCommand } from "./simulate/command.ts";
import { version } from "./version.ts";

const actions: Actions = {
  serve: async (options) => (await import("./server/serve.ts")).serve(options),
  buildBootstrapImage: async (state, options) =>
    (await import("./image-actions.ts")).buildBootstrapImage(state, options),
  buildImage: async (options) => (await import("./build-image.ts")).buildImage(options),
  exportImage: async (options) => (await import("./image-actions.ts")).exportImage(options),
  listImages: async (state) => (await import("./image-actions.ts")).listImages(state),
  verifyObjects: async (state) => (await import("./image-actions.ts")).verifyObjects(state),
  collectImages: async (options) => (await import("./image-actions.ts")).collectImages(options),
  importImage: async (options) => (await import("./image-actions.ts")).importImage(options),
  changeAuthorities: async (options) => (await import("./authority-actions.ts")).changeAuthorities(options),
  makeSecureBootKey: async (state, asked) => (await import("./secure-boot-actions.ts")).makeSecureBootKey(state, asked),
  databaseIn: (state) => pathsIn(state).database,
  copyMdb: async (options) => (await import("./mdb-actions.ts")).copyMdb(options),
  restoreMdb: async (options) => (await import("./mdb-actions.ts")).restoreMdb(options),
};

const closing = `
Exit status: 0 done · 1 refused or failed · 2 wrong command line or configuration
             3 no server runs · 4 machines fail (status) · 130 interrupted
A machine is named by its hostname, id, address or MAC address.`;

const groups = ["The fleet:", "A machine:", "Images and configuration:", "Running it:"] as const;

/** The `birther` command with all its verbs. Each loads its modules when it runs, so that help is fast. */
export function birtherProgram(): Command {
  const program = new Command("birther")
    .description("Installs bare-metal machines, from an unknown machine's first PXE request to a working system.")
    .version(version)
    .showHelpAfterError("(birther --help, or birther VERB --help)")
    .addHelpText("after", closing)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? exitStatus.done : exitStatus.misused));
  const [fleet, machine, images, running] = groups;
  program.commandsGroup(fleet);
  statusCommand(program);
  racksCommand(program);
  failuresCommand(program);
  burnInCommand(program);
  machinesCommand(program);
  networksCommand(program);
  quirksCommand(program);
  erasuresCommand(program);
  watchCommand(program);
  auditCommand(program);
  tokensCommand(program);
  exportCommand(program);
  program.commandsGroup(machine);
  for (const add of [
    showCommand,
    slotCommand,
    whyCommand,
    eventsCommand,
    logCommand,
    packetsCommand,
    reportCommand,
    rebirthCommand,
    cleanCommand,
    rebootCommand,
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
  imageCommand(program, actions);
  configCommand(program);
  planCommand(program);
  program.commandsGroup(running);
  serveCommand(program, actions);
  dashboardCommand(program);
  demoCommand(program);
  simulateCommand(program);
  labCommand(program);
  mdbCommand(program, actions);
  authorityCommand(program, actions);
  secureBootCommand(program, actions);
  completionCommand(program);
  return program;
}
