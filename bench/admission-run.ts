import { fork } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { credentialFor } from "../src/contract/credential.ts";
import { writePackIndex } from "../src/core/image/pack-index.ts";
import { machineIdFromMac } from "../src/core/machine/life/move.ts";
import { parseIpv4 } from "../src/core/net/ipv4.ts";
import { admitRequest, defaultRequestsPerMinute, type RequestRates } from "../src/core/network/request-rate.ts";
import type { Store } from "../src/core/ports.ts";
import { openWaitingNotes } from "../src/core/uplink/waiting-notes.ts";
import { openOrigin } from "../src/dominator/origin/origin.ts";
import { sha512Of } from "../src/dominator/storage/sha512.ts";
import { openFetchTurns } from "../src/dominator/sub/fetch-turns.ts";
import { systemClock as clock } from "../src/main/system-ports.ts";
import { startMachineServer } from "../src/mdb/machine-api/server.ts";
import { openStore } from "../src/mdb/open-store.ts";
import { birthOf, testMac } from "../src/mdb/testing/fleet.ts";
import type { CrowdOrder, CrowdResult } from "./admission-crowd.ts";
import { say } from "./environment.ts";

const about = `Whether 4,000 machines that want their system image at once all get it from one server.

  bench/admission [--quick]

Over loopback, each machine with its own address and TLS connection, in one process: it asks for its turn, waits as long as it is told,
fetches 8 MB and says that it is done. A request that takes 30 s is a time-out, as for an agent. The last line is one JSON object.
`;

const packBytes = 8_000_000;
const imagesPort = 18_288;
const tlsPort = 18_243;

async function run(machineCount: number): Promise<object> {
  const directory = mkdtempSync("/dev/shm/birther-bench-");
  const log = () => undefined;
  await using all = new AsyncDisposableStack();
  all.defer(() => rmSync(directory, { recursive: true }));
  const store = all.use(await openStore({ path: ":memory:", clock, log }));
  const machines = await bear(store, machineCount);
  const pack = writePack(join(directory, "objects"));
  const origin = all.use(
    await openOrigin({
      ...{ addresses: ["127.0.0.1"], port: imagesPort, objects: join(directory, "objects"), log },
      ...{ images: join(directory, "images"), directory: join(directory, "run"), connectionsPerAddress: 256 },
      program: new URL("../src/main/server/origin-program.ts", import.meta.url),
    }),
  );
  const notes = openWaitingNotes({ store, clock, log });
  const turns = openFetchTurns({ store, bootImagesWait: () => false, notes, clock, log });
  const rates: RequestRates = new Map();
  const address = parseIpv4("127.0.0.1");
  if (address === undefined) throw new Error("loopback is an address");
  all.use(
    await startMachineServer({
      ...{
        addresses: [address],
        port: tlsPort,
        pki: { directory: join(directory, "pki") },
        apps: [turns.app],
        clock,
        log,
      },
      requestLimit: (from) =>
        admitRequest(rates, from, { perMinute: defaultRequestsPerMinute, nowMs: clock.monotonicMs() }),
      ...{ connectionsPerAddress: 256, machines: () => machineCount },
    }),
  );
  const ca = readFileSync(join(directory, "pki/ca.pem"), "utf8");
  say(`${machineCount} machines begin; images are served by ${origin.servedBy()}`);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const crowd = fork(new URL("./admission-crowd.ts", import.meta.url));
  crowd.send({ machines, tlsPort, ca, imagesPort, pack, packBytes } satisfies CrowdOrder);
  const [result] = (await once(crowd, "message")) as [CrowdResult];
  const longestTurnMs = Math.round(delay.max / 1e6);
  return {
    cpus: availableParallelism(),
    servedBy: origin.servedBy(),
    machines: machineCount,
    ...result,
    longestTurnMs,
  };
}

/** Healthy machines, each with its agent's credential. */
async function bear(store: Store, count: number): Promise<CrowdOrder["machines"]> {
  const machines: CrowdOrder["machines"][number][] = [];
  for (let n = 1; n <= count; n += 1) {
    const id = machineIdFromMac(testMac(n));
    const token = credentialFor(id, randomBytes(32).toString("hex"));
    const subTokenHash = createHash("sha256").update(token).digest("hex");
    for (const event of birthOf(n))
      await store.apply(event.kind === "becameHealthy" ? { ...event, subTokenHash } : event);
    machines.push({ id, token });
  }
  return machines;
}

/** Writes a pack, and returns the path at which it is served. */
function writePack(objects: string): string {
  mkdirSync(join(objects, "packs"), { recursive: true });
  const content = randomBytes(packBytes);
  const index = writePackIndex([{ sha512: sha512Of(content), offset: 0, size: packBytes }]);
  const name = sha512Of(index);
  writeFileSync(join(objects, "packs", name), content);
  writeFileSync(join(objects, "packs", `${name}.index`), index);
  return `/packs/${name}`;
}

const { values } = parseArgs({ options: { quick: { type: "boolean" }, help: { type: "boolean" } } });
if (values.help) process.stdout.write(about);
else process.stdout.write(`${JSON.stringify(await run(values.quick === true ? 200 : 4000))}\n`);
