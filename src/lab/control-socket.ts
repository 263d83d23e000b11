import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import * as v from "valibot";
import { type LabAnswer, type LabMachineView, type LabVerb, labRequest } from "../contract/lab.ts";
import type { LabMachine } from "./machine.ts";
import type { Rack } from "./rack.ts";

const actions: { readonly [Verb in Exclude<LabVerb, "list">]: (machine: LabMachine) => Promise<void> } = {
  reset: (machine) => machine.reset(),
  "power-on": (machine) => machine.powerOn(),
  "power-off": (machine) => machine.powerOff(),
  "power-cut": (machine) => machine.kill(),
  pause: (machine) => machine.pause(),
  resume: (machine) => machine.resume(),
};

/** The machines that a user can control; `find` may know more names than the rack's own. */
export type Controlled = Pick<Rack, "machines" | "find">;

/** Carries out one request, a line of JSON, and returns the answer; never throws. */
export async function answerLine(rack: Controlled, line: string): Promise<LabAnswer> {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), labRequest), line);
  if (!parsed.success) {
    return {
      kind: "refused",
      message: `invalid request: ${parsed.issues[0].message}`,
      next: "Use `birther lab --help`.",
    };
  }
  const { verb, machine: name } = parsed.output;
  if (verb === "list") return { kind: "done", machines: rack.machines.map(view) };
  const machine = name === undefined ? undefined : rack.find(name);
  if (machine === undefined) {
    const names = rack.machines.map((known) => known.name).join(", ");
    return {
      kind: "refused",
      message: name === undefined ? "the request names no machine" : `no machine ${name} in the rack`,
      next: `Use one of ${names}.`,
    };
  }
  try {
    await actions[verb](machine);
    return { kind: "done", machines: [view(machine)] };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: "refused", message, next: "See `birther lab list`." };
  }
}

/** Lets other terminals control the rack through a Unix socket that only this user can open. */
export async function openControlSocket(rack: Controlled, path: string): Promise<AsyncDisposable> {
  await rm(path, { force: true });
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    // A client that goes before it has read its answer. The lines have their own error for it, which would end the rack.
    const gone = () => socket.destroy();
    socket.on("error", gone);
    createInterface({ input: socket })
      .on("error", gone)
      .on("line", async (line) => {
        const answer = await answerLine(rack, line);
        if (socket.writable) socket.write(`${JSON.stringify(answer)}\n`);
      });
  });
  const mask = process.umask(0o077);
  try {
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
  } finally {
    process.umask(mask);
  }
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const view = (machine: LabMachine): LabMachineView => ({
  name: machine.name,
  mac: machine.mac,
  firmware: machine.spec.firmware,
  power: machine.power(),
  port: machine.spec.port,
  consoleLog: machine.consoleLogPath,
  consoleSocket: machine.consoleSocketPath,
});
