import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { tableOf } from "../../src/cli/output/listing.ts";
import { askLab, labListing } from "../../src/cli/server/lab.ts";
import type { LabMachineView } from "../../src/contract/lab.ts";
import { openControlSocket } from "../../src/lab/control-socket.ts";

const machine: LabMachineView = {
  name: "machine-1",
  mac: "52:54:00:b1:00:01",
  firmware: "bios",
  power: "on",
  port: "swp1",
  consoleLog: "/d/machine-1/console.log",
  consoleSocket: "/d/machine-1/console.sock",
};

/** A rack that gives every line the same answer, in its own directory. */
async function fakeRack(answer: object) {
  const directory = await mkdtemp(join(tmpdir(), "birther-lab-"));
  const path = join(directory, "lab.sock");
  const lines: string[] = [];
  const server = createServer((socket) => {
    createInterface({ input: socket })
      .on("error", () => socket.destroy())
      .on("line", (line) => {
        lines.push(line);
        socket.write(`${JSON.stringify(answer)}\n`);
      });
  }).listen(path);
  await once(server, "listening");
  const close = async () => {
    server.close();
    await rm(directory, { recursive: true });
  };
  return { path, lines, [Symbol.asyncDispose]: close };
}

test("one request, one answer", async () => {
  await using rack = await fakeRack({ kind: "done", machines: [machine] });
  assert.deepEqual(await askLab(rack.path, { verb: "reset", machine: "machine-1" }), {
    kind: "done",
    machines: [machine],
  });
  assert.deepEqual(rack.lines, ['{"verb":"reset","machine":"machine-1"}']);
});

test("a command that goes before it has read its answer does not end the rack", async () => {
  const directory = await mkdtemp(join(tmpdir(), "birther-lab-"));
  const path = join(directory, "lab.sock");
  try {
    let answered = Promise.withResolvers<void>();
    const rack = {
      get machines() {
        answered.resolve();
        return [];
      },
      find: () => undefined,
    };
    await using _ = await openControlSocket(rack, path);
    for (let round = 0; round < 5; round += 1) {
      answered = Promise.withResolvers();
      const socket = connect(path).pause();
      await once(socket, "connect");
      socket.write(`${JSON.stringify({ verb: "list" })}\n`);
      await answered.promise;
      await new Promise((resolve) => setImmediate(resolve));
      socket.destroy();
      await once(socket, "close");
    }
    assert.deepEqual(await askLab(path, { verb: "list" }), { kind: "done", machines: [] });
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("a rack that is killed before it answers is named, with what to do", async () => {
  const directory = await mkdtemp(join(tmpdir(), "birther-lab-"));
  const path = join(directory, "lab.sock");
  // Closed with the request unread, which resets the connection.
  const server = createServer({ pauseOnConnect: true }, (socket) => void setTimeout(() => socket.destroy(), 50)).listen(
    path,
  );
  try {
    await once(server, "listening");
    await assert.rejects(askLab(path, { verb: "list" }), /closed the connection without an answer[\s\S]*birther demo/);
  } finally {
    server.close();
    await rm(directory, { recursive: true });
  }
});

test("without a rack, the error says how to start one", async () => {
  await assert.rejects(
    askLab("/nowhere/lab.sock", { verb: "list" }),
    /no virtual rack runs at \/nowhere[\s\S]*birther demo/,
  );
});

test("an invalid answer is refused", async () => {
  await using rack = await fakeRack({ kind: "nonsense" });
  await assert.rejects(askLab(rack.path, { verb: "list" }), { name: "ValiError" });
});

test("the list has fixed columns", () => {
  const off = { ...machine, name: "m2", power: "off" } as const;
  assert.equal(
    `${tableOf(labListing, [machine, off], { width: 200 }).join("\n")}\n`,
    [
      "NAME       POWER  FIRMWARE  PORT  MAC                CONSOLE LOG",
      "machine-1  on     bios      swp1  52:54:00:b1:00:01  /d/machine-1/console.log",
      "m2         off    bios      swp1  52:54:00:b1:00:01  /d/machine-1/console.log",
      "",
    ].join("\n"),
  );
});
