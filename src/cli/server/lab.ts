import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Command } from "commander";
import * as v from "valibot";
import {
  type LabAnswer,
  type LabMachineView,
  type LabRequest,
  type LabVerb,
  labAnswer,
  labSocketName,
  runningDemo,
} from "../../contract/lab.ts";
import { failure } from "../api/failure.ts";
import { type OutputOptions, outputOption } from "../api/server-options.ts";
import { formatsOf, type Listing, printList, textColumn } from "../output/listing.ts";

/** The help text of each verb. */
const actions: { readonly [Verb in Exclude<LabVerb, "list">]: string } = {
  reset: "press the reset button of a machine",
  "power-on": "switch a machine on",
  "power-off": "switch a machine off",
  "power-cut": "cut the power of a machine between two instructions",
  pause: "stop the CPUs of a machine",
  resume: "resume a paused machine",
};

/** Adds `lab`: controls the virtual rack of a `demo` in another terminal. */
export function labCommand(program: Command): void {
  const lab = program
    .command("lab")
    .description("control the virtual rack of a running demo: power, reset, consoles")
    .option(
      "--socket <path>",
      "control socket of the rack",
      process.env.BIRTHER_LAB_SOCKET ?? `${runningDemo}/${labSocketName}`,
    );
  const ask = async (request: LabRequest) => machinesOf(await askLab(lab.opts<{ socket: string }>().socket, request));

  const list = lab.command("list").description("list the machines of the rack and their power state");
  outputOption(list, formatsOf(labListing)).action(async (options: OutputOptions) => {
    await printList(labListing, { rows: await ask({ verb: "list" }), none: "the rack has no machines" }, options);
  });
  for (const [verb, description] of Object.entries(actions) as [LabVerb, string][]) {
    lab
      .command(`${verb} <name>`)
      .description(description)
      .action(async (machine: string) => {
        const [done] = await ask({ verb, machine });
        process.stdout.write(`${done?.name}: ${verb} done, power ${done?.power}\n`);
      });
  }
  lab
    .command("console <name>")
    .description("show the serial console of a machine and follow it; keys go to the machine, Ctrl-] ends")
    .option("--no-follow", "print the console log and exit")
    .action(async (name: string, { follow }: { follow: boolean }) => {
      const machine = (await ask({ verb: "list" })).find(
        (each) => each.name === name || each.mac === name.toLowerCase(),
      );
      if (machine === undefined)
        throw failure("failed", `unknown machine ${name}`, "to list the machines of the rack: birther lab list");
      if (follow) await followConsole(machine);
      else process.stdout.write(await readFile(machine.consoleLog));
    });
}

/** Sends one request and returns the answer; throws with a next step if no rack listens there. */
export async function askLab(socketPath: string, request: LabRequest): Promise<LabAnswer> {
  // Between two waits nobody else hears of its errors.
  const socket = connect(socketPath).on("error", () => undefined);
  try {
    await once(socket, "connect");
  } catch {
    throw failure(
      "noServer",
      `no virtual rack runs at ${socketPath}`,
      "start one with birther demo, or name its lab.sock with --socket",
    );
  }
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    const line = await firstLine(socket);
    if (line !== undefined) return v.parse(labAnswer, JSON.parse(line));
    throw failure(
      "noServer",
      `the virtual rack at ${socketPath} closed the connection without an answer`,
      "see in its terminal whether it was stopped; to start it: birther demo",
    );
  } finally {
    socket.destroy();
  }
}

/** The first line that arrives; undefined if the connection ends before, also by a reset, as of a rack that is killed. */
async function firstLine(socket: Socket): Promise<string | undefined> {
  try {
    for await (const line of createInterface({ input: socket })) return line;
  } catch {
    // What could go wrong with a connection on this computer is its end.
  }
  return undefined;
}

/** The columns of `lab list`. */
export const labListing: Listing<LabMachineView> = {
  named: "name",
  columns: [
    textColumn("name", ({ name }) => name),
    textColumn("power", ({ power }) => power),
    textColumn("firmware", ({ firmware }) => firmware),
    textColumn("port", ({ port }) => port),
    textColumn("mac", ({ mac }) => mac),
    { ...textColumn("consoleLog", ({ consoleLog }) => consoleLog), title: () => "CONSOLE LOG" },
  ],
};

function machinesOf(answer: LabAnswer): readonly LabMachineView[] {
  if (answer.kind === "refused") throw failure("failed", answer.message, answer.next);
  return answer.machines;
}

const endKey = 0x1d;

/** Prints the end of the log, then connects to the live console until Ctrl-] or power-off. */
async function followConsole(machine: LabMachineView): Promise<void> {
  const shownBytes = 4096;
  {
    await using log = await open(machine.consoleLog);
    const { size } = await log.stat();
    const last = await log.read(Buffer.alloc(shownBytes), 0, shownBytes, Math.max(0, size - shownBytes));
    process.stdout.write(last.buffer.subarray(0, last.bytesRead));
  }
  if (machine.power === "off") {
    const next = `to switch it on: birther lab power-on ${machine.name}`;
    throw failure("failed", `${machine.name} is off; the end of its log is above`, next);
  }
  // A virtual machine that ends resets its sockets, also while keys are sent to it: then its console has ended.
  const socket = connect(machine.consoleSocket).on("error", () => undefined);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await once(socket, "connect");
  socket.pipe(process.stdout);
  if (process.stdin.isTTY) process.stdin.setRawMode(true);
  process.stdin.on("data", (keys: Buffer) => {
    if (keys.includes(endKey)) socket.destroy();
    else socket.write(keys);
  });
  await closed;
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
  process.stdin.pause();
}
