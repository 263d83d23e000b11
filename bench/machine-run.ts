import { fail } from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type BootstrapSuite, bootstrapSuites } from "../src/core/bootstrap-image/suite.ts";
import { type Phase, phases } from "../src/core/machine/phase.ts";
import type { Firmware, Machine } from "../src/core/machine/record.ts";
import type { LabMachine } from "../src/lab/machine.ts";
import { machineSpec } from "../src/lab/machine-spec.ts";
import type { RunningServer } from "../src/main/server/server.ts";
import { faultyRack, withBootstrapImage } from "../tests/faults/faulty-rack.ts";
import { isInside, runInside, say } from "./environment.ts";

const about = `What one machine on the virtual rack takes: the least memory, and the times of a birth and of a clean.

  bench/machine [--suite ${bootstrapSuites.join("|")}] [--only memory|times] [--quick]

A BIOS and a UEFI machine side by side, each with one processor and no KVM: a real one is faster. Memory is searched in steps of 32 MiB;
enough is what takes a machine to its base system ("handedOver"). Times are seconds: the kernel's own clock when it starts init, the
server's clock from there. --quick: one step of the search less. Needs root and QEMU; takes a quarter of an hour. The last line is one
JSON object.
`;

const firmwares = ["bios", "uefi"] as const;
const stepMiB = 32;
/** Known to be too little, and to be enough. */
const known = { tooLittle: 128, enough: 640 };
/** A machine that has come no further for so long has no memory left: some panic, some hang. */
const noProgressSeconds = 400;
const ended = /Kernel panic|end Kernel|Out of memory: Killed process 1 /;

const { values } = parseArgs({
  options: {
    suite: { type: "string", default: bootstrapSuites[0] },
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const specOf = (firmware: Firmware, memoryMiB: number) =>
  machineSpec(firmware === "bios" ? 1 : 2, { firmware, memoryMiB, cpus: 1 });

type Life = { readonly machine: LabMachine; readonly server: RunningServer };

/** The record once a machine is handed over in this generation; undefined if it has stopped on its way. */
async function handedOver({ machine, server }: Life, generation: number): Promise<Machine | undefined> {
  let seen = "";
  let sinceMs = performance.now();
  for (;;) {
    const record = server.store.byMac(machine.mac);
    const isThere = record?.generation === generation && record.timeline.some(({ phase }) => phase === "handedOver");
    if (isThere) return record;
    const now = JSON.stringify([record?.generation, record?.timeline.length]);
    if (now !== seen) [seen, sinceMs] = [now, performance.now()];
    if (performance.now() - sinceMs > noProgressSeconds * 1000) return undefined;
    if (ended.test(await readFile(machine.consoleLogPath, "latin1"))) return undefined;
    await setTimeout(200);
  }
}

/** What happens to one machine of each firmware on a rack of their own. */
async function onRack<Result>(
  suite: BootstrapSuite,
  memoryMiB: { readonly [F in Firmware]?: number },
  act: (life: Life) => Promise<Result>,
): Promise<readonly Result[]> {
  const specs = firmwares.flatMap((firmware) => {
    const size = memoryMiB[firmware];
    return size === undefined ? [] : [specOf(firmware, size)];
  });
  await using place = await faultyRack(specs, undefined, (directory) =>
    withBootstrapImage(directory, { suite, firmware: [], system: "bookworm" }),
  );
  await using server = await place.startServer();
  return await Promise.all(place.rack.machines.map((machine) => act({ machine, server })));
}

/** The least memory of each firmware, by halving. */
async function leastMemory(suite: BootstrapSuite): Promise<{ readonly [F in Firmware]: number }> {
  const range = { bios: { ...known }, uefi: { ...known } };
  const isOpen = (firmware: Firmware) =>
    range[firmware].enough - range[firmware].tooLittle > stepMiB * (values.quick ? 2 : 1);
  while (firmwares.some(isOpen)) {
    const middle = ({ tooLittle, enough }: typeof known) =>
      tooLittle + Math.floor((enough - tooLittle) / stepMiB / 2) * stepMiB;
    const tried = firmwares.filter(isOpen).map((firmware) => [firmware, middle(range[firmware])] as const);
    await onRack(suite, Object.fromEntries(tried), async (life) => {
      const { firmware, memoryMiB } = life.machine.spec;
      await life.machine.powerOn();
      const record = await handedOver(life, 1);
      const last = life.server.store.byMac(life.machine.mac)?.timeline.at(-1)?.phase ?? "nothing";
      await life.machine.kill();
      say(`${firmware} with ${memoryMiB} MiB: ${record === undefined ? `stops after ${last}` : "handed over"}`);
      range[firmware][record === undefined ? "tooLittle" : "enough"] = memoryMiB;
    });
  }
  return { bios: range.bios.enough, uefi: range.uefi.enough };
}

type Times = {
  readonly firmware: Firmware;
  /** Of the kernel's own clock when it starts init. */
  readonly kernelSeconds: number;
  /** From the kernel's start to init's first request that the server has answered. */
  readonly firstContactSeconds: number;
  readonly birthSeconds: number;
  /** From init's first contact until the machine is handed over. */
  readonly cleanSeconds: number;
  /** From the kernel's start. */
  readonly cleanWithKernelSeconds: number;
  readonly cleanPhases: { readonly [phase: string]: number };
};

const rounded = (seconds: number) => Math.round(seconds * 10) / 10;

/** The second of the kernel's clock at which its last start ran init; each start's console begins with its version. */
async function initAt({ consoleLogPath }: LabMachine): Promise<number> {
  const shown = await readFile(consoleLogPath, "latin1");
  const found = [...shown.matchAll(/\[ *(\d+\.\d+)\] Run \/init/g)].at(-1)?.[1];
  if (found === undefined)
    throw new Error("expected the kernel to say when it runs init, found nothing on the console");
  return Number(found);
}

async function times(suite: BootstrapSuite): Promise<readonly Times[]> {
  return await onRack(suite, { bios: 1024, uefi: 1024 }, async (life) => {
    const { machine, server } = life;
    const { firmware } = machine.spec;
    await machine.powerOn();
    const born = (await handedOver(life, 1)) ?? fail(`${firmware}: not born`);
    await machine.kill();
    say(`${firmware}: born`);
    await server.store.apply({ kind: "cleanAsked", id: born.id, by: "bench" });
    await machine.powerOn();
    const cleaned = (await handedOver(life, 2)) ?? fail(`${firmware}: not cleaned`);
    say(`${firmware}: cleaned`);
    await machine.kill();
    const at = (of: Machine, phase: Phase) =>
      of.timeline.find((entry) => entry.phase === phase)?.atMs ?? fail(`${firmware}: no ${phase}`);
    const between = (of: Machine, from: Phase, to: Phase) => rounded((at(of, to) - at(of, from)) / 1000);
    const seen = phases.filter((phase) => cleaned.timeline.some((entry) => entry.phase === phase));
    return {
      firmware,
      kernelSeconds: rounded(await initAt(machine)),
      firstContactSeconds: between(born, "kernelSent", "initUp"),
      birthSeconds: between(born, "initUp", "handedOver"),
      cleanSeconds: between(cleaned, "initUp", "handedOver"),
      cleanWithKernelSeconds: between(cleaned, "kernelSent", "handedOver"),
      cleanPhases: Object.fromEntries(
        seen.slice(1).map((phase, index) => [phase, between(cleaned, seen[index] ?? phase, phase)]),
      ),
    };
  });
}

/** What needs the outer network is done before the namespace is entered: the build of the Bootstrap Image. */
async function prepareAndEnter(suite: BootstrapSuite): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "birther-bench-"));
  try {
    await withBootstrapImage(directory, { suite, firmware: [], system: "bookworm" });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  await runInside(import.meta.url);
}

async function run(): Promise<void> {
  if (values.help) return void process.stdout.write(about);
  const suite = bootstrapSuites.find((name) => name === values.suite);
  if (suite === undefined || !["memory", "times", undefined].includes(values.only)) {
    say(`expected --suite ${bootstrapSuites.join(", ")} and --only memory or times; see --help`);
    process.exitCode = 2;
    return;
  }
  if (!isInside()) return await prepareAndEnter(suite);
  const result = {
    suite,
    ...(values.only === "memory" ? {} : { times: await times(suite) }),
    ...(values.only === "times" ? {} : { leastMemoryMiB: await leastMemory(suite) }),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

await run();
