import { type Command, Option } from "commander";
import {
  readBytes,
  readCount,
  readDuration,
  readRate,
  readShare,
  readSomeTime,
  type SimulateOptions,
} from "./options.ts";

/** An option whose default is shown as an operator writes it. */
function withDefault(
  flags: string,
  description: string,
  { read, text }: { readonly read: (text: string) => number; readonly text: string },
): Option {
  return new Option(flags, description).argParser(read).default(read(text), text);
}

/** Adds `simulate`: the arrival of a site's racks in virtual time, decided by the real code. */
export function simulateCommand(program: Command): void {
  program
    .command("simulate")
    .description(
      "simulate the arrival of a site's racks in virtual time; the code of the server decides, only hardware is simulated",
    )
    .option(
      "--racks <n>",
      "number of racks (default: those of `site` in the configuration, or 100)",
      readCount(1, 10_000),
    )
    .option("--machines <n>", "machines per rack (default: those of `site`, or 40)", readCount(1, 250))
    .option("--servers <n>", "servers on one database", readCount(1, 16), 1)
    .option("-c, --config <file>", "configuration of the site (default: one nursery for all racks)")
    .option("--switch <template>", "LLDP name of a rack's switch (default: that of `site`, or tor-{rack})")
    .option("--port <template>", "LLDP name of a machine's port (default: that of `site`, or swp{unit})")
    .addOption(withDefault("--image <size>", "size of the system image", { read: readBytes, text: "1GB" }))
    .addOption(withDefault("--nic <rate>", "link of a machine", { read: readRate, text: "25G" }))
    .addOption(withDefault("--rack-uplink <rate>", "uplink of a rack", { read: readRate, text: "100G" }))
    .addOption(withDefault("--server-nic <rate>", "link of a server", { read: readRate, text: "10G" }))
    .addOption(
      withDefault("--mirror-nic <rate>", "link of each mirror of objectMirrors", { read: readRate, text: "10G" }),
    )
    .option(
      "--server-sends <rate>",
      "what the program on a server can send (default: as measured, docs/simulate.md)",
      readRate,
    )
    .option("--agent-fetch <rate>", "what an agent can fetch and verify (default: as measured)", readRate)
    .option("--disk <rate>", "what the disk of a machine can write", readRate)
    .option("--firmware <time>", "firmware, from power to its first DHCP request", readDuration)
    .addOption(withDefault("--burn-in <time>", "duration of the burn-in", { read: readDuration, text: "5m" }))
    .addOption(
      new Option("--power-on <when>", '"all at once" or "rack every 30s"').default("all at once", "all at once"),
    )
    .option("--no-peers", "machines do not pass the image on to each other (default: as the configuration says)")
    .option(
      "--rollout <racks>",
      "as many racks work already, and get the next version of their image while the others are born",
      readCount(1, 10_000),
    )
    .addOption(
      withDefault("--fail <share>", "machines with a fault, drawn from all kinds", { read: readShare, text: "0%" }),
    )
    .addOption(withDefault("--loss <share>", "lost datagrams", { read: readShare, text: "0%" }))
    .option("--faults <file>", "YAML list of faults (docs/simulate.md)")
    .option("--seed <n>", "seed of all chance", readCount(0, 2 ** 32 - 1), 1)
    .addOption(
      withDefault("--limit <time>", "virtual time after which the simulation ends", {
        read: readSomeTime,
        text: "12h",
      }),
    )
    .option("--json", "print the report as one JSON object")
    .option("--report <file>", "write the report as an HTML page")
    .option("--transcript <file>", "write what each machine met, for tests and for comparing two runs")
    .action(async (options: SimulateOptions) => {
      // Loaded only here, so that `birther --help` stays fast.
      const { runSimulation } = await import("./run.ts");
      process.exitCode = await runSimulation(options);
    });
}
