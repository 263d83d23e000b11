import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { tableOf } from "../../src/cli/output/listing.ts";
import { askLab, labListing } from "../../src/cli/server/lab.ts";
import type { LabMachineView } from "../../src/contract/lab.ts";

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
    createInterface({ input: socket }).on("line", (line) => {
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
