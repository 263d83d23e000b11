import assert from "node:assert/strict";
import { test } from "node:test";
import { paths } from "../../src/contract/machine/paths.ts";
import { birthProtocol } from "../../src/core/birth/order-answer.ts";
import { mac, rackMachine } from "./machine.ts";
import { openSite, type Site } from "./site/site.ts";

const strangersBoot = "00000000-0000-4000-8000-000000000000";

function tokenIn(commandLine: string): string {
  return /birther\.token=(\S+)/.exec(commandLine)?.[1] ?? assert.fail(commandLine);
}

/** Asks for the order as anybody does who has read a kernel's command line. */
function takeOrder(site: Site, facts: { readonly token: string; readonly bootId: string }): number {
  const body = JSON.stringify({ protocol: birthProtocol, mac, firmware: "uefi", ...facts });
  const head = `POST ${paths.order} HTTP/1.1\r\nhost: birther\r\ncontent-type: application/json\r\n`;
  const conversation = site.listeners.get("10.77.0.1:443")?.connect("10.77.1.71") ?? assert.fail("no server");
  const { bytes } = conversation.exchange(Buffer.from(`${head}content-length: ${body.length}\r\n\r\n${body}`));
  conversation.close();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(Buffer.from(bytes).toString("latin1"))?.[1]);
}

test("a token that nobody has presented is worth an order, to whoever reads it first", (t) => {
  const site = openSite();
  t.after(site.close);
  const answer = site.boot(mac, "uefi");
  const commandLine = answer.kind === "bootstrapImage" ? answer.commandLine : assert.fail(answer.kind);
  assert.equal(takeOrder(site, { token: tokenIn(commandLine), bootId: strangersBoot }), 200);
});

test("the token on the command line is worth nothing once users can read it", (t) => {
  const site = openSite();
  t.after(site.close);
  const { answer, end, kernel } = rackMachine(site).bootInit();
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  const commandLine = answer.kind === "bootstrapImage" ? answer.commandLine : assert.fail(answer.kind);
  const token = tokenIn(commandLine);
  // The kernel stays the same until the restart, and so its boot_id, which users can read, too.
  const bootId = Buffer.from(kernel.readFile("/proc/sys/kernel/random/boot_id")).toString("utf8").trim();
  const before = site.machine(mac);
  for (const id of [bootId, strangersBoot]) {
    const status = takeOrder(site, { token, bootId: id });
    assert.ok(status === 401 || status === 403 || status === 409, `boot ${id}: status ${status}`);
  }
  assert.equal(site.machine(mac).state, before.state);
  assert.ok(!kernel.screen.join("\n").includes(token), "the console shows it");
  assert.ok(
    site.log(mac).every((line) => !line.includes(token)),
    "the log has it",
  );
  for (const program of kernel.ran) assert.ok(!program.includes(token), `in the arguments of ${program}`);
});
