import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { before, test } from "node:test";
import { openEarlyLogIntake } from "../../src/boot-server/early-log/intake.ts";
import { datagramsPerLook, openEarlyLogReceiver } from "../../src/boot-server/early-log/receiver.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { readUnverified } from "../../src/core/machine/unverified-line.ts";
import { ip, prefix } from "../../src/core/net/testing/addresses.ts";
import { testNetworkOfOnePart } from "../../src/core/network/testing/test-network.ts";
import { writeSyslog } from "../../src/core/syslog/message.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { earlyLimits } from "../../src/mdb/store/machine-logs.ts";
import { asks, testMac, until } from "../../src/mdb/testing/fleet.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { repeatAttack } from "./attack.ts";

/** What strangers send to the port for log lines. */

const port = 514;
const server = "127.0.0.1";
const victim = "127.0.0.50";
const honest = "127.0.0.51";

const line = (text: string, sequence = 1) =>
  writeSyslog({ ...{ facility: 3, severity: 6, host: "h", app: "init", boot: "0123abcd-1" }, sequence, text });

/** Sends as fast as it can, until it is ended: true lines, oversized ones and noise, in a machine's name and in nobody's. */
const flooder = `
const { createSocket } = require("dgram");
const line = (n) => Buffer.from("<30>1 - h init 0123abcd - [meta sequenceId=\\"" + (n % 2e9 + 1) + "\\"] \\u001b[2J flood " + n);
let n = 0;
for (const address of ["${victim}", "127.0.0.99", "127.1.2.3"]) {
  const socket = createSocket("udp4");
  const send = () => {
    n += 1;
    const bytes = n % 3 === 0 ? Buffer.alloc(60000, 65) : n % 3 === 1 ? line(n) : Buffer.alloc(n % 1400, n);
    socket.send(bytes, ${port}, "${server}", () => send());
  };
  socket.bind(0, address, () => {
    for (let each = 0; each < 8; each += 1) send();
    process.stdout.write("sending\\n");
  });
}`;

await insideNamespace(import.meta.url, () => {
  before(() => void execFileSync("ip", ["link", "set", "lo", "up"]));

  test("a flood takes its share of a turn and no more, displaces no verified line, and changes no record", {
    timeout: 120_000,
  }, async (t) => {
    const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
    const log = () => {};
    await using store = await openStore({ path: ":memory:", clock, log });
    const ids = [victim, honest].map((_, n) => machineIdFromMac(testMac(n + 1)));
    for (const [n, address] of [victim, honest].entries()) {
      await store.apply(asks(n + 1, ip(address)));
      const id = machineIdFromMac(testMac(n + 1));
      await store.apply({ kind: "orderIssued", id, tokenHash: `t${n}`, expiresAtMs: 9e15 });
    }
    const [victimId = assert.fail(), honestId = assert.fail()] = ids;
    store.addLog(victimId, ["a verified line"], "00000000-1");
    const networks = [testNetworkOfOnePart({ prefix: prefix("127.0.0.0/24"), serverAddress: ip(server) })];
    const intake = openEarlyLogIntake({ networks, store, clock, log });
    let inTurn = 0;
    let most = 0;
    let all = 0;
    using _ = openEarlyLogReceiver({
      ...{ addresses: [server], port, log },
      intake: {
        ...intake,
        receive: (bytes, from) => {
          inTurn += 1;
          all += 1;
          intake.receive(bytes, from);
        },
        flush: () => {
          most = Math.max(most, inTurn);
          inTurn = 0;
          intake.flush();
        },
      },
    });
    const position = store.position();
    const child = spawn(process.execPath, ["-e", flooder], { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => child.kill("SIGKILL"));
    await once(child.stdout, "data");
    await until("a flood of ten thousand datagrams", () => all > 10_000, 60_000);
    child.kill("SIGKILL");
    await once(child, "close");
    assert.ok(most <= datagramsPerLook, `${most} datagrams in one turn`);
    assert.equal(store.position(), position);
    const kept = store.log(victimId);
    assert.ok(kept.includes("a verified line"));
    const unverified = kept.filter((text) => readUnverified(text) !== undefined);
    assert.ok(unverified.length > 0 && unverified.length <= earlyLimits.lines, `${unverified.length}`);
    assert.equal(kept.length, unverified.length + 1);
    assert.doesNotMatch(kept.join("\n"), /[^\P{Cc}\n]/u);
    assert.deepEqual(
      store.list().map(({ id }) => id),
      ids,
    );

    // After it, and whatever is left of it in the kernel, an honest machine is heard.
    const socket = createSocket("udp4");
    t.after(() => socket.close());
    socket.bind(0, honest);
    await once(socket, "listening");
    await repeatAttack(t, 10, async (round) => {
      const text = `honest ${round}`;
      const isHeard = () => store.log(honestId).some((each) => each.endsWith(text));
      const sending = setInterval(() => socket.send(line(text, round + 1), port, server), 20);
      try {
        await until(text, isHeard);
      } finally {
        clearInterval(sending);
      }
      return store.log(victimId).some((each) => each.endsWith(text)) ? "in another machine's log" : undefined;
    });
  });

  test("a port that another program has costs only these lines: the server says so and starts", async () => {
    const taken = createSocket("udp4");
    taken.bind(port, server);
    await once(taken, "listening");
    const said: string[] = [];
    const intake = { receive: () => assert.fail(), flush: () => assert.fail() };
    const log = (level: string, message: string) => void said.push(`${level} ${message}`);
    using receiver = openEarlyLogReceiver({ addresses: ["127.0.0.2", server], port, intake, log });
    assert.equal(receiver.isOpen, false);
    assert.match(said.join(), /^warn .*the port is not free$/);
    const again = createSocket("udp4");
    again.bind(port, "127.0.0.2");
    await once(again, "listening");
    again.close();
    taken.close();
  });
});
