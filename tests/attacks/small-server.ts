/**
 * The part of a server that machines report to, on an existing or a new database: `small-server.ts DIRECTORY MACHINES`.
 * It invents machines as a host on the wire can, and prints one line of JSON: its port, the number of machines in the
 * database, and a boot token for each invented one. It ends with its standard input.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { testConfig } from "../../src/contract/config/testing/test-config.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import type { Clock } from "../../src/core/ports.ts";
import { machineFacingApp } from "../../src/mdb/machine-api/app.ts";
import { orderIssuer } from "../../src/mdb/machine-api/issue-order.ts";
import { startMachineServer } from "../../src/mdb/machine-api/server.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, testMac } from "../../src/mdb/testing/fleet.ts";
import { freePort } from "../support/free-port.ts";

const [directory = "", machines = "0"] = process.argv.slice(2);
const clock: Clock = { nowMs: Date.now, monotonicMs: () => performance.now() };
const random = { bytes: (count: number) => randomBytes(count) };
const log = () => {};
await using store = await openStore({ path: join(directory, "mdb.sqlite"), clock, log });
const known = store.list().length;
const port = await freePort();
await using _server = await startMachineServer({
  ...{ addresses: [ip("127.0.0.1")], port, pki: { directory: join(directory, "pki") }, clock, log },
  ...{ apps: [machineFacingApp({ store, config: testConfig(), clock, random, log })] },
  connectionsPerAddress: 1000,
  requestLimit: () => ({ kind: "admitted" }),
});
const issue = orderIssuer({ store, clock, random, orderSeconds: 600 });
const tokens: string[] = [];
for (let n = 1; n <= Number(machines); n += 1) {
  await store.apply(asks(n));
  const issued = await issue(machineIdFromMac(testMac(n)));
  if (issued.kind === "issued") tokens.push(issued.token);
}
process.stdout.write(`${JSON.stringify({ port, known, tokens })}\n`);
process.stdin.resume();
await once(process.stdin, "end");
