import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../core/bytes/utf8.ts";
import { lineCharacters } from "../../core/machine/log-line.ts";
import { phases } from "../../core/machine/phase.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import type { Ipv4 } from "../../core/net/ipv4.ts";
import { ip } from "../../core/net/testing/addresses.ts";
import { testNetwork } from "../../core/network/testing/test-network.ts";
import { longestDatagram, writeSyslog } from "../../core/syslog/message.ts";
import { allLinesPerMinute, linesPerMinute, openEarlyLogIntake } from "./intake.ts";

const own = ip("10.77.0.50");
const id = "m-1" as MachineId;
const order = { action: "birth", generation: 1, tokenHash: "t", expiresAtMs: 9e12 } as const;
const waiting = (more: Parameters<typeof testMachine<"birth">>[1] = {}): Machine =>
  testMachine("birth", { id, temporaryAddress: own, phase: "kernelSent", order, ...more });
const rebirth = testMachine("rebirth", { temporaryAddress: own, phase: "kernelSent", order });

function open(machines: readonly Machine[] = [waiting()]) {
  const said: string[] = [];
  const kept: (readonly [MachineId, string | undefined, string])[] = [];
  let nowMs = 0;
  const intake = openEarlyLogIntake({
    networks: [testNetwork()],
    store: {
      byAddress: (address) =>
        machines.find((one) => one.temporaryAddress === address || one.permanentAddress === address),
      addEarlyLog: (id, lines, boot) => void kept.push(...lines.map((line) => [id, boot, line] as const)),
    },
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    log: (_level, message) => void said.push(message),
  });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { intake, kept, said, pass };
}

const datagram = (text: string, sequence = 1, boot = "0123abcd-1111") =>
  writeSyslog({ ...{ facility: 3, severity: 6, host: "h", app: "init" }, boot, sequence, text });

function taken(machine: Machine, from: Ipv4 = own, bytes = datagram("hello")): readonly string[] {
  const { intake, kept } = open([machine]);
  intake.receive(bytes, from);
  intake.flush();
  return kept.map(([, , text]) => text);
}

test("a machine on its way to its order is heard, in the log of its boot", () => {
  const { intake, kept } = open();
  intake.receive(datagram("a", 1), own);
  intake.receive(datagram("b", 2), own);
  intake.receive(datagram("c", 1, "fedcba98-1111"), own);
  intake.flush();
  assert.deepEqual(kept, [
    ["m-1", "0123abcd", "unverified #1: a"],
    ["m-1", "0123abcd", "unverified #2: b"],
    ["m-1", "fedcba98", "unverified #1: c"],
  ]);
  intake.flush();
  assert.equal(kept.length, 3);
});

test("heard in each phase up to the first report by TLS, and in none after it", () => {
  for (const phase of phases) {
    const isEarly = ["offered", "loaderSent", "kernelSent", "initUp"].includes(phase);
    assert.equal(taken(waiting({ phase })).length, isEarly ? 1 : 0, phase);
  }
});

test("once a boot has taken the order, no other boot is heard", () => {
  const machine = waiting({
    phase: "initUp",
    order: { ...order, taken: { bootId: "0123ABCD-1111", sessionHash: "s", atMs: 1 } },
  });
  assert.equal(taken(machine).length, 1);
  assert.deepEqual(taken(machine, own, datagram("x", 1, "fedcba98-1111")), []);
});

test("the signed image is heard before its settings, and with them its order, are fetched", () => {
  const { order: _none, ...due } = waiting();
  assert.deepEqual(taken(due), ["unverified #1: hello"]);
  // The attempt before took its order and ended: its boot does not silence the next one.
  const before = { ...order, taken: { bootId: "fedcba98-1111", sessionHash: "s", atMs: 1 } };
  for (const phase of ["offered", "loaderSent", "kernelSent"] as const)
    assert.equal(taken(waiting({ phase, order: before })).length, 1, phase);
  assert.deepEqual(taken(waiting({ phase: "initUp", order: before })), []);
});

for (const [title, machine, from] of [
  ["a machine that is due for no order", testMachine("healthy", { temporaryAddress: own, phase: "kernelSent" }), own],
  ["a machine that was never offered anything", testMachine("birth", { temporaryAddress: own, order }), own],
  ["an address that is no machine's", waiting(), ip("10.77.0.51")],
  ["a machine's permanent address", rebirth, rebirth.permanentAddress],
  ["an address outside the networks", waiting({ temporaryAddress: ip("192.0.2.1") }), ip("192.0.2.1")],
] as const)
  test(`not heard: ${title}`, () => assert.deepEqual(taken(machine, from), []));

for (const [title, bytes] of [
  ["nothing", new Uint8Array()],
  ["no syslog", encodeUtf8("hello")],
  ["a boot that is none", datagram("x", 1, "-")],
  ["a longer datagram than init's", new Uint8Array(longestDatagram + 1).fill(0x41)],
] as const)
  test(`dropped: ${title}`, () => assert.deepEqual(taken(waiting(), own, bytes), []));

test("what a terminal would obey is cleaned, and no datagram is two lines", () => {
  const [line = ""] = taken(waiting(), own, datagram("\u001b[2Ja\nunverified #9: b\r\u202e\u0007"));
  assert.equal(line, "unverified #1: \ufffd[2Ja\ufffdunverified #9: b\ufffd\ufffd\ufffd");
  const [long = ""] = taken(waiting(), own, datagram("x".repeat(5000)));
  assert.ok(long.length < longestDatagram + lineCharacters);
});

test("one machine is limited, and said once; another one is heard meanwhile; later the first is heard again", () => {
  const second = waiting({ id: "m-2" as MachineId, temporaryAddress: ip("10.77.0.51") });
  const { intake, kept, said, pass } = open([waiting(), second]);
  for (let n = 1; n <= 2 * linesPerMinute; n += 1) intake.receive(datagram("x", n), own);
  intake.receive(datagram("y"), ip("10.77.0.51"));
  intake.flush();
  assert.equal(kept.filter(([id]) => id === "m-1").length, linesPerMinute);
  assert.equal(kept.filter(([id]) => id === "m-2").length, 1);
  assert.equal(said.length, 1);
  pass(1000);
  intake.receive(datagram("again"), own);
  intake.flush();
  assert.equal(kept.at(-1)?.[2], "unverified #1: again");
});

test("all machines together are limited", () => {
  const count = allLinesPerMinute / linesPerMinute + 1;
  const machines = Array.from({ length: count }, (_, n) =>
    waiting({ id: `m-${n}` as MachineId, temporaryAddress: (ip("10.77.0.50") + n) as Ipv4 }),
  );
  const { intake, kept, said } = open(machines);
  for (const { temporaryAddress = own } of machines)
    for (let n = 1; n <= linesPerMinute; n += 1) intake.receive(datagram("x", n), temporaryAddress);
  intake.flush();
  assert.equal(kept.length, allLinesPerMinute);
  assert.equal(said.length, 1);
});
