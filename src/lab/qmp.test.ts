import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { openQmp, type QmpEvent } from "./qmp.ts";

/** A QEMU of two streams: `say` sends as QEMU, `received` holds the commands sent to it. */
function fakeQemu() {
  const [from, to] = [new PassThrough(), new PassThrough()];
  const say = (message: unknown) => from.write(`${JSON.stringify(message)}\n`);
  const received: { execute: string; id: number }[] = [];
  to.setEncoding("utf8").on("data", (line: string) => {
    const command = JSON.parse(line) as { execute: string; id: number };
    received.push(command);
    if (command.execute === "nonsense") say({ id: command.id, error: { class: "CommandNotFound", desc: "no such" } });
    else if (command.execute !== "silence") say({ id: command.id, return: { did: command.execute } });
  });
  say({ QMP: { version: {}, capabilities: [] } });
  return { from, to, say, received };
}

test("answers are matched to their commands; events are delivered; an error carries QEMU's message", async () => {
  const qemu = fakeQemu();
  const events: QmpEvent[] = [];
  const qmp = await openQmp(qemu.from, qemu.to, (event) => events.push(event));
  assert.deepEqual(await Promise.all([qmp.execute("stop"), qmp.execute("cont")]), [{ did: "stop" }, { did: "cont" }]);
  qemu.from.write("not JSON\n");
  qemu.say({ event: "WATCHDOG", data: { action: "reset" }, timestamp: {} });
  await assert.rejects(qmp.execute("nonsense"), /QEMU refused a command: no such/);
  assert.deepEqual(events, [{ event: "WATCHDOG", data: { action: "reset" } }]);
  assert.equal(qemu.received[0]?.execute, "qmp_capabilities");
});

test("pending commands are rejected when QEMU ends", async () => {
  const qemu = fakeQemu();
  const qmp = await openQmp(qemu.from, qemu.to, () => {});
  const asked = qmp.execute("silence");
  qemu.from.end();
  await assert.rejects(asked, /closed its control channel/);
});
