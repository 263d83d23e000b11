import { open, writeFile } from "node:fs/promises";
import { failure } from "../../cli/api/failure.ts";
import { printJson } from "../../cli/output/data.ts";
import { readConfigFile } from "../../cli/server/config-file.ts";
import type { Config } from "../../contract/config/schema.ts";
import { plainText } from "../../core/bytes/plain-text.ts";
import { why } from "../../core/machine/health/waiting-for.ts";
import { nameOf } from "../../core/machine/life/move.ts";
import { parametersWith } from "../../fleet/parameters.ts";
import { formatTime } from "../../fleet/report/format.ts";
import { reportHtml } from "../../fleet/report/html.ts";
import { summarise } from "../../fleet/report/summary.ts";
import { reportText } from "../../fleet/report/text.ts";
import type { PowerOn, Scenario } from "../../fleet/scenario.ts";
import { type Outcome, simulate } from "../../fleet/simulate.ts";
import { watchRulesOf } from "../../mdb/watch/open-watch.ts";
import { checkSite } from "./check-site.ts";
import { configsFor, serverByAddress, siteConfig } from "./config.ts";
import { readFaultFile } from "./fault-file.ts";
import { comparing } from "./image.ts";
import { durationOf, type SimulateOptions } from "./options.ts";
import { openSimulatedSite, simulatedImages } from "./site.ts";
import { type SimulatedSlots, simulatedSlots, slotOfAreas } from "./slots.ts";
import { answerWithWholeResponses } from "./whole-response.ts";

/** Simulates a site as the command line says; the exit status: 1 if not all machines came up, or a property was broken. */
export async function runSimulation(options: SimulateOptions): Promise<number> {
  const { config, warnings, slots } = await configOf(options);
  const scenario = await scenarioOf(options, { peers: config.peers, slots });
  const more = checkSite(configsFor(config, scenario.servers), { scenario, areas: slots.areas });
  for (const warning of [...warnings, ...more]) process.stderr.write(`${plainText(`warning: ${warning}`)}\n`);
  await checkWritable(options);
  const interruption = watchInterruption();
  const outcome = await simulateSite({
    ...{ scenario, config, imageBytes: options.image, progressed: showProgress() },
    isInterrupted: interruption.isInterrupted,
  });
  clearProgress();
  const summary = summarise(outcome);
  if (options.json) printJson(summary);
  else
    process.stdout.write(
      `${reportText(summary, process.stdout.columns ?? 100)
        .map(plainText)
        .join("\n")}\n`,
    );
  await writeFiles(options, { transcript: () => transcriptOf(outcome), report: () => reportHtml(summary) });
  interruption.end();
  if (interruption.isInterrupted()) return interruptedStatus;
  return outcome.isComplete && outcome.broken.length === 0 ? 0 : 1;
}

/** What a shell expects of a program that SIGINT has ended: 128 and the number of the signal. */
const interruptedStatus = 130;

/** Ctrl-C ends the simulation, whose report says how far it came; a second one ends the program. */
function watchInterruption(): { readonly isInterrupted: () => boolean; readonly end: () => void } {
  let isInterrupted = false;
  const interrupt = () => {
    isInterrupted = true;
  };
  process.once("SIGINT", interrupt);
  return { isInterrupted: () => isInterrupted, end: () => void process.off("SIGINT", interrupt) };
}

/** After the report is printed, which took minutes: a full disk does not lose it. */
async function writeFiles(
  options: SimulateOptions,
  texts: { readonly [File in "transcript" | "report"]: () => string },
): Promise<void> {
  for (const option of ["transcript", "report"] as const) {
    const path = options[option];
    if (path === undefined) continue;
    await writeFile(path, texts[option]()).catch((error: NodeJS.ErrnoException) => {
      const { code = String(error) } = error;
      throw failure("failed", `--${option}: cannot write ${path} (${code})`, "name a file that can be written");
    });
  }
}

/** Files that cannot be written are named before the simulation, which may take minutes. */
async function checkWritable({ report, transcript }: SimulateOptions): Promise<void> {
  for (const [option, path] of Object.entries({ report, transcript })) {
    if (path === undefined) continue;
    try {
      await (await open(path, "a")).close();
    } catch (error) {
      const { code = String(error) } = error as NodeJS.ErrnoException;
      throw failure("misused", `--${option}: cannot write ${path} (${code})`, "name a file in a directory that exists");
    }
  }
}

/** Simulates a scenario on servers with this configuration. */
export async function simulateSite(of: {
  readonly scenario: Scenario;
  readonly config: Config;
  readonly imageBytes: number;
  readonly progressed?: NonNullable<Parameters<typeof simulate>[0]["progressed"]> | undefined;
  readonly isInterrupted?: () => boolean;
}): Promise<Outcome> {
  const { scenario, config, imageBytes, progressed, isInterrupted } = of;
  answerWithWholeResponses();
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
    ...(isInterrupted === undefined ? {} : { isInterrupted }),
    why: (machine, { servers }, nowMs) => {
      const store = servers.find(({ port }) => port !== undefined)?.port?.store;
      const record = store?.byMac(machine.mac);
      if (record === undefined)
        return machine.transcript.length === 0
          ? "the servers have never heard of it"
          : "no server answers its DHCP requests or has a record of it: what they logged says why";
      const { missing = "nothing", next: forIt } = why(record, { nowMs, deadlineSeconds });
      // The same for all machines that wait for it.
      const next = forIt.replaceAll(nameOf(record), "NAME");
      const failed = machine.failure === undefined ? "" : ` (${machine.failure})`;
      return `waits until ${missing}${failed}. Next: ${next}`;
    },
  });
}

async function scenarioOf(
  options: SimulateOptions,
  { peers, slots }: Pick<Config, "peers"> & { readonly slots: SimulatedSlots },
): Promise<Scenario> {
  const size = { racks: slots.racks, machines: slots.machines, servers: options.servers };
  return {
    ...{ ...size, seed: options.seed },
    parameters: parametersWith({
      ...{ machineLink: options.nic, rackUplink: options.rackUplink, serverLink: options.serverNic },
      mirrorLink: options.mirrorNic,
      ...{ serverSendsImages: options.serverSends, agentFetch: options.agentFetch, diskWrite: options.disk },
      ...{ firmware: options.firmware, burnIn: options.burnIn, packetLoss: options.loss },
    }),
    ...{ powerOn: powerOnOf(options.powerOn), failShare: options.fail, limitMs: options.limit },
    peers: options.peers && peers.enabled,
    faults: options.faults === undefined ? [] : await readFaultFile(options.faults, size),
    ...(options.rollout === undefined ? {} : { rollout: { racks: options.rollout } }),
    slotOf: slotOfAreas(slots.areas),
  };
}

function powerOnOf(text: string): PowerOn {
  if (text === "all at once") return { kind: "atOnce" };
  const ms = durationOf(/^rack every (.+)$/.exec(text)?.[1] ?? "");
  if (ms !== undefined) return { kind: "rackEvery", ms };
  throw failure(
    "misused",
    `--power-on: expected "all at once" or "rack every 30s", found "${text}"`,
    "correct the option",
  );
}

async function configOf(options: SimulateOptions) {
  const { config: path, servers, serverNic } = options;
  if (path !== undefined) {
    const { config, warnings } = await readConfigFile(path);
    return { config, warnings, slots: simulatedSlots(options, config.site) };
  }
  const slots = simulatedSlots(options, undefined);
  const { racks, machines } = slots;
  const config = siteConfig({ racks, machines, servers, serverMbps: Math.round((serverNic * 8) / 1e6) });
  return { config, warnings: [], slots };
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
    process.stderr.write(
      `\r\x1b[K${formatTime(Math.floor(nowMs / 1000) * 1000)} of virtual time: ${up} of ${of} machines are up`,
    );
  };
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
}
