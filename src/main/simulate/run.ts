import { writeFile } from "node:fs/promises";
import { failure } from "../../cli/api/failure.ts";
import { printJson } from "../../cli/api/server-options.ts";
import { readConfigFile } from "../../cli/server/config-file.ts";
import type { Config } from "../../contract/config/schema.ts";
import { othersUpdate } from "../../contract/config/updates.ts";
import { plainText } from "../../core/bytes/plain-text.ts";
import { isStreamName } from "../../core/image/image-name.ts";
import { neighbourBy } from "../../core/lldp/neighbour.ts";
import { why } from "../../core/machine/health/waiting-for.ts";
import { placeMachine } from "../../core/site/place.ts";
import { parametersWith } from "../../fleet/parameters.ts";
import { formatTime } from "../../fleet/report/format.ts";
import { reportHtml } from "../../fleet/report/html.ts";
import { summarise } from "../../fleet/report/summary.ts";
import { reportText } from "../../fleet/report/text.ts";
import { nameIn, type PowerOn, type Scenario } from "../../fleet/scenario.ts";
import { type Outcome, simulate } from "../../fleet/simulate.ts";
import { watchRulesOf } from "../../mdb/watch/open-watch.ts";
import { configsFor, serverByAddress, siteConfig } from "./config.ts";
import { readFaultFile } from "./fault-file.ts";
import { comparing } from "./image.ts";
import { readDuration, type SimulateOptions } from "./options.ts";
import { openSimulatedSite, simulatedImages } from "./site.ts";

/** Simulates a site as the command line says; the exit status: 1 if not all machines came up, or a property was broken. */
export async function runSimulation(options: SimulateOptions): Promise<number> {
  const config = await configOf(options);
  const scenario = await scenarioOf(options, config);
  checkNames(config, scenario);
  checkRollout(config, scenario);
  const outcome = await simulateSite({ scenario, config, imageBytes: options.image, progressed: showProgress() });
  clearProgress();
  const summary = summarise(outcome);
  if (options.transcript !== undefined) await writeFile(options.transcript, transcriptOf(outcome));
  if (options.report !== undefined) await writeFile(options.report, reportHtml(summary));
  if (options.json) printJson(summary);
  else
    process.stdout.write(
      `${reportText(summary, process.stdout.columns ?? 100)
        .map(plainText)
        .join("\n")}\n`,
    );
  return outcome.isComplete && outcome.broken.length === 0 ? 0 : 1;
}

/** Simulates a scenario on servers with this configuration. */
export async function simulateSite(of: {
  readonly scenario: Scenario;
  readonly config: Config;
  readonly imageBytes: number;
  readonly progressed?: NonNullable<Parameters<typeof simulate>[0]["progressed"]> | undefined;
}): Promise<Outcome> {
  const { scenario, config, imageBytes, progressed } = of;
  const { kernelBytes, initramfsBytes } = scenario.parameters;
  const configs = configsFor(config, scenario.servers);
  const { deadlineSeconds } = watchRulesOf(config);
  const versions = scenario.rollout === undefined ? 0 : 2;
  return await simulate({
    scenario,
    openSite: (deps) => openSimulatedSite({ configs, imageBytes, kernelBytes, initramfsBytes, versions }, deps),
    compare: comparing(simulatedImages(config, { imageBytes, versions }).values()),
    serverAt: serverByAddress(configs),
    ...(progressed === undefined ? {} : { progressed }),
    why: (machine, { servers }, nowMs) => {
      const store = servers.find(({ port }) => port !== undefined)?.port?.store;
      const record = store?.byMac(machine.mac);
      if (record === undefined) return "the servers have never heard of it";
      const { missing = "nothing", next } = why(record, { nowMs, deadlineSeconds });
      return `waits until ${missing}. ${next}`;
    },
  });
}

async function scenarioOf(options: SimulateOptions, { peers }: Config): Promise<Scenario> {
  return {
    ...{ racks: options.racks, machines: options.machines, servers: options.servers, seed: options.seed },
    parameters: parametersWith({
      ...{ machineLink: options.nic, rackUplink: options.rackUplink, serverLink: options.serverNic },
      mirrorLink: options.mirrorNic,
      ...{ serverSendsImages: options.serverSends, agentFetch: options.agentFetch, diskWrite: options.disk },
      ...{ firmware: options.firmware, burnIn: options.burnIn, packetLoss: options.loss },
    }),
    ...{ powerOn: powerOnOf(options.powerOn), failShare: options.fail, limitMs: options.limit },
    peers: options.peers && peers.enabled,
    faults: options.faults === undefined ? [] : await readFaultFile(options.faults),
    ...(options.rollout === undefined ? {} : { rollout: { racks: options.rollout } }),
    ...{ switchName: options.switch, portName: options.port },
  };
}

function powerOnOf(text: string): PowerOn {
  if (text === "all at once") return { kind: "atOnce" };
  const [, time] = /^rack every (.+)$/.exec(text) ?? [];
  if (time === undefined)
    throw failure(
      "misused",
      `--power-on: expected "all at once" or "rack every 30s", found "${text}"`,
      "correct the option",
    );
  return { kind: "rackEvery", ms: readDuration(time) };
}

async function configOf({ config, racks, machines, servers, serverNic }: SimulateOptions): Promise<Config> {
  if (config !== undefined) return (await readConfigFile(config)).config;
  return siteConfig({ racks, machines, servers, serverMbps: Math.round((serverNic * 8) / 1e6) });
}

/** The names of the last machine must have a place: otherwise all births would fail for the same reason. */
function checkNames({ placement, networks }: Config, { racks, machines, switchName, portName }: Scenario): void {
  if (!networks.some(({ nursery }) => nursery))
    throw failure("misused", "networks: expected one with nursery: true, found none", "no machine would be born");
  const last = { rack: racks, unit: machines };
  const port = nameIn(portName, last);
  const fields = { portIdKind: "interfaceName", portId: port, portDescription: port } as const;
  const placed = placeMachine(placement.rules, neighbourBy(nameIn(switchName, last), fields));
  if (placed.kind === "unplaced")
    throw failure("misused", placed.reason, "name switches and ports as the placement rules expect: --switch, --port");
}

/** A rollout needs machines that work, others that are born, and a stream that this Dominator updates. */
function checkRollout(config: Config, { rollout, racks }: Scenario): void {
  if (rollout === undefined) return;
  if (rollout.racks >= racks)
    throw failure(
      "misused",
      `--rollout: expected fewer racks than --racks ${racks}, found ${rollout.racks}`,
      "the other racks are born meanwhile: correct one of the options",
    );
  const next = "leave out --rollout, or simulate another configuration";
  if (othersUpdate(config))
    throw failure("misused", "--rollout: an external Dominator updates the machines of this site", next);
  if (!config.images.some(({ image }) => isStreamName(image)))
    throw failure("misused", "--rollout: no image rule names a stream of images, so no version can be promoted", next);
}

/** What each machine met, one after the other. */
export function transcriptOf({ machines }: Pick<Outcome, "machines">): string {
  return machines
    .map(({ rack, unit, transcript }) =>
      [`rack ${rack + 1} unit ${unit}`, ...transcript.map((line) => `  ${line}`), ""].join("\n"),
    )
    .join("");
}

const everyMs = 200;

/** A line that is written again and again on a terminal. */
function showProgress(): NonNullable<Parameters<typeof simulate>[0]["progressed"]> | undefined {
  if (!process.stderr.isTTY) return undefined;
  let saidMs = 0;
  return ({ nowMs, up, of }) => {
    if (performance.now() - saidMs < everyMs) return;
    saidMs = performance.now();
    process.stderr.write(`\r\x1b[K${formatTime(nowMs)} of virtual time: ${up} of ${of} machines are up`);
  };
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
}
