import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { misshapen, type TpmDialogue } from "../../src/core/tpm/dialogue.ts";
import { readResponse } from "../../src/core/tpm/response.ts";
import { waitFor } from "./inside-namespace.ts";

/** A software TPM (Debian's swtpm) that is started and tested, with an endorsement seed of its own. */
export type Swtpm = AsyncDisposable & {
  /** Sends one command, and returns the response. */
  readonly exchange: (command: Uint8Array) => Promise<Uint8Array>;
};

/** Starts a TPM 2.0 without a machine around it; with a directory, the TPM whose seeds lie there, which are kept. */
export async function startSwtpm(kept?: string): Promise<Swtpm> {
  const directory = kept ?? (await mkdtemp(join(tmpdir(), "birther-swtpm-")));
  const path = join(directory, "server.sock");
  const argv = ["socket", "--tpm2", "--tpmstate", `dir=${directory}`, "--server", `type=unixio,path=${path}`];
  const child = spawn("swtpm", [...argv, "--flags", "not-need-init,startup-clear"], { stdio: "inherit" });
  const ended = once(child, "close");
  const socket = await waitFor("swtpm", 60, () => connected(path));
  return {
    exchange: async (command) => {
      socket.write(command);
      let response = Buffer.alloc(0);
      // A response begins with its tag and its length, and may come in pieces.
      while (response.length < 6 || response.length < response.readUInt32BE(2))
        response = Buffer.concat([response, ...((await once(socket, "data")) as [Buffer])]);
      return new Uint8Array(response);
    },
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
      child.kill("SIGTERM");
      await ended;
      if (kept === undefined) await rm(directory, { recursive: true });
    },
  };
}

/** Holds a dialogue with a TPM. */
export async function hold<Result>(tpm: Swtpm, dialogue: TpmDialogue<Result>): Promise<Result> {
  for (let step = dialogue.next(); ; ) {
    if (step.done === true) return step.value;
    const response = readResponse(await tpm.exchange(step.value.bytes));
    if (response.kind === "misshapen") throw misshapen(step.value.name);
    step = dialogue.next(response.kind === "success" ? { kind: "done", body: response.body } : response);
  }
}

async function connected(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return socket;
  } catch {
    socket.destroy();
    return undefined;
  }
}
