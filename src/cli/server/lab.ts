import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { connect } from "node:net";
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

/** What each verb does, for the help. */
const actions: { readonly [Verb in Exclude<LabVerb, "list">]: string } = {
  reset: "press the reset button",
  "power-on": "switch it on",
  "power-off": "switch it off",
  "power-cut": "take its power away between two instructions",
  pause: "stop its CPUs where they are",
  resume: "let a paused machine run on",
};

/** Adds `lab`: the buttons and consoles of the virtual rack that a `demo` in another terminal runs. */
export function labCommand(program: Command): void {
  const lab = program
    .command("lab")
    .description("buttons and consoles of the virtual rack of a running demo")
    .option(
      "--socket <path>",
      "the rack's control socket",
      process.env.BIRTHER_LAB_SOCKET ?? `${runningDemo}/${labSocketName}`,
    );
  const ask = async (request: LabRequest) => machinesOf(await askLab(lab.opts<{ socket: string }>().socket, request));

  lab
    .command("list")
    .description("machines of the rack and whether they are on")
    .option("-o, --output <format>", "`text` or `json`", "text")
    .action(async ({ output }: { output: string }) => {
      const machines = await ask({ verb: "list" });
      process.stdout.write(output === "json" ? `${JSON.stringify(machines)}\n` : listText(machines));
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
    .description(
      "show what a machine writes to its serial console, and go on showing it; keys go to the machine, Ctrl-] ends",
    )
    .option("--no-follow", "show what is there, then end")
    .action(async (name: string, { follow }: { follow: boolean }) => {
      const machine = (await ask({ verb: "list" })).find(
        (each) => each.name === name || each.mac === name.toLowerCase(),
      );
      if (machine === undefined) throw failure("failed", `no machine ${name} in the rack`, "see birther lab list");
      if (follow) await followConsole(machine);
      else process.stdout.write(await readFile(machine.consoleLog));
    });
}

/** One request and its answer. Throws, with what to do, when no rack listens there. */
export async function askLab(socketPath: string, request: LabRequest): Promise<LabAnswer> {
  const socket = connect(socketPath);
  try {
    await once(socket, "connect");
  } catch {
    throw failure(
      "noServer",
      `no virtual rack runs at ${socketPath}`,
      "start one: birther demo; or name its lab.sock with --socket",
    );
  }
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of createInterface({ input: socket })) return v.parse(labAnswer, JSON.parse(line));
    throw new Error(`the virtual rack at ${socketPath} went away without an answer`);
  } finally {
    socket.destroy();
  }
}

/** The machines as a table of fixed columns. */
export function listText(machines: readonly LabMachineView[]): string {
  const rows = [
    ["NAME", "POWER", "FIRMWARE", "PORT", "MAC", "CONSOLE LOG"],
    ...machines.map((each) => [each.name, each.power, each.firmware, each.port, each.mac, each.consoleLog]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

function machinesOf(answer: LabAnswer): readonly LabMachineView[] {
  if (answer.kind === "refused") throw failure("failed", answer.message, answer.next);
  return answer.machines;
}

const endKey = 0x1d;

/** The last of the log, then the live console in both directions until Ctrl-] or the end of the power. */
async function followConsole(machine: LabMachineView): Promise<void> {
  const shownBytes = 4096;
  {
    await using log = await open(machine.consoleLog);
    const { size } = await log.stat();
    const last = await log.read(Buffer.alloc(shownBytes), 0, shownBytes, Math.max(0, size - shownBytes));
    process.stdout.write(last.buffer.subarray(0, last.bytesRead));
  }
  if (machine.power === "off") throw failure("failed", `${machine.name} is off: that was the end of its log`);
  const socket = connect(machine.consoleSocket);
  await once(socket, "connect");
  socket.pipe(process.stdout);
  if (process.stdin.isTTY) process.stdin.setRawMode(true);
  process.stdin.on("data", (keys: Buffer) => {
    if (keys.includes(endKey)) socket.destroy();
    else socket.write(keys);
  });
  await once(socket, "close");
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
  process.stdin.pause();
}
