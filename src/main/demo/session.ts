import { join } from "node:path";
import { exitStatus } from "../../cli/api/failure.ts";
import { checkConfig, formatFault } from "../../contract/config/parse.ts";
import { labSocketName } from "../../contract/lab.ts";
import { openControlSocket } from "../../lab/control-socket.ts";
import { startRack } from "../../lab/rack.ts";
import { startServer } from "../server/server.ts";
import { systemClock } from "../system-ports.ts";
import { watchBirths } from "./births.ts";
import { keepLink } from "./dashboard-link.ts";
import { openInnerRelay } from "./dashboard-relay.ts";
import { openLogFile } from "./log.ts";
import type { DemoOptions } from "./options.ts";
import { openPainter } from "./painter.ts";
import { demoConfig, demoMachines, demoSwitch } from "./plan.ts";
import type { MachineReport } from "./report.ts";

/** What the outer process passes to the process in the namespace: plain data. */
export type DemoSession = {
  readonly options: DemoOptions;
  readonly directory: string;
  /** Where browsers of this computer find the dashboard: `https://127.0.0.1:8443`. */
  readonly dashboardBase: string;
};

/** The last line of `demo --json`. */
export type DemoReport = { readonly ok: boolean; readonly machines: readonly MachineReport[] };

const minuteMs = 60_000;

/**
 * Runs server, rack and births inside the namespace. Resolves with the exit status: 0 when all machines are up, 1 when
 * one is not, 130 when `stop` resolved first.
 */
export async function runDemoSession(session: DemoSession, stop: Promise<void>): Promise<number> {
  const { options, directory } = session;
  await using life = new AsyncDisposableStack();
  const painter = life.use(openPainter(process.stderr, process.env));
  const log = life.use(openLogFile(join(directory, "server.log")));
  const rack = life.use(
    await startRack({
      machines: demoMachines(options.machines, options.firmware, options.memory),
      bridge: demoSwitch.bridge,
      switchName: demoSwitch.name,
      directory: join(directory, "rack"),
      log,
    }),
  );
  const config = checkedConfig(directory);
  const server = life.use(await startServer({ config, log, dashboardBases: [session.dashboardBase] }));
  life.use(await openInnerRelay(directory, config.ports.operators));
  const find = (name: string) => rack.find(name) ?? rack.find(server.store.find(name)?.macs[0] ?? "");
  life.use(await openControlSocket({ machines: rack.machines, find }, join(directory, labSocketName)));
  await Promise.all(rack.machines.map((machine) => machine.powerOn()));
  const births = life.use(
    watchBirths({
      machines: rack.machines,
      store: server.store,
      painter,
      limits: { deadlineMs: options.deadline * minuteMs, stallMs: options.stall * minuteMs },
      nowMs: systemClock.nowMs,
    }),
  );
  const link = life.use(await keepLink(config.stateDirectory, (lines) => births.setFooter(lines)));
  painter.note(link.lines().join("\n"));
  let isStopped = false;
  const stopped = stop.then(() => {
    isStopped = true;
    painter.say("Stopping. Press Ctrl-C again to stop at once.");
  });
  await Promise.race([births.settled, stopped]);
  if (!options.once && !isStopped) {
    link.below(hints(births.reports()));
    painter.note(hints(births.reports()).join("\n"));
    await stopped;
  }
  const machines = births.reports();
  const ok = machines.every((machine) => machine.state === "healthy" && machine.phase === "up");
  births[Symbol.dispose]();
  if (options.json) process.stdout.write(`${JSON.stringify({ ok, machines } satisfies DemoReport)}\n`);
  if (isStopped && !ok) return exitStatus.interrupted;
  return ok ? 0 : 1;
}

function checkedConfig(directory: string) {
  const result = checkConfig(demoConfig(join(directory, "state")));
  if (result.kind === "config") return result.config;
  throw new Error(`the demo's built-in configuration is invalid: ${result.faults.map(formatFault).join("; ")}`);
}

/** Commands to try in another terminal, with the name of an existing machine. */
function hints(machines: readonly MachineReport[]): readonly string[] {
  const name = machines.find((machine) => machine.hostname !== null)?.hostname ?? "NAME";
  return [
    "In another terminal:",
    `  ./birther machines           ./birther show ${name}`,
    `  ./birther watch              ./birther lab console ${name}`,
    `  ./birther rebirth ${name} && ./birther lab reset ${name}`,
    "Press Ctrl-C to end the demo and clean up.",
  ];
}
