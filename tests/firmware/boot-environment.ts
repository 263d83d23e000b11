import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBootFiles } from "../../src/boot-server/boot-files.ts";
import { startBootServer } from "../../src/boot-server/boot-server.ts";
import { ip, prefix } from "../../src/core/net/testing/addresses.ts";
import { clientConnectionLimit } from "../../src/core/network/connections.ts";
import type { Network } from "../../src/core/network/network.ts";
import { defaultMaxMachines } from "../../src/core/network/newcomer-limit.ts";
import { testNetwork } from "../../src/core/network/testing/test-network.ts";
import type { Log, Store } from "../../src/core/ports.ts";
import type { MachineSpec } from "../../src/lab/machine-spec.ts";
import { type Rack, startRack } from "../../src/lab/rack.ts";
import { orderIssuer } from "../../src/mdb/machine-api/issue-order.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { loadersOf } from "../support/debian.ts";
import { waitFor } from "../support/inside-namespace.ts";
import { startDnsmasq } from "./other-dhcp.ts";

/** One line of the server's log. */
export type Line = {
  readonly atMs: number;
  readonly message: string;
  readonly facts: { readonly [name: string]: unknown };
};

/** A rack with a Boot Server with real loaders, but without a working Bootstrap Image. */
export type BootEnvironment = AsyncDisposable & {
  readonly rack: Rack;
  readonly store: Store;
  readonly lines: readonly Line[];
  readonly networks: () => ReturnType<Awaited<ReturnType<typeof startBootServer>>["networks"]>;
  /** Waits for a matching line of the log; throws with the log and the console. */
  readonly line: (what: string, seconds: number, holds: (line: Line) => boolean) => Promise<Line>;
};

const bridge = { name: "rack0", addresses: ["10.77.0.1/24", "10.77.1.1/24"] };

/** The network of the rack, as a test changes it. */
export function rackNetwork(changes: Partial<Network>): Network {
  return testNetwork({
    temporaryPool: { first: ip("10.77.0.50"), last: ip("10.77.0.99") },
    permanent: { prefix: prefix("10.77.1.0/24"), serverAddress: ip("10.77.1.1"), nameservers: [] },
    ...changes,
  });
}

/** Builds the rack; `beside` may start other hosts on the wire before the Boot Server. */
export async function bootEnvironment(of: {
  readonly machines: readonly MachineSpec[];
  readonly network: Network;
  readonly otherDhcp?: boolean;
  /** The path of a signed image; the test may change the file before each start of the environment. */
  readonly signedImage?: string;
}): Promise<BootEnvironment> {
  await using made = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "birther-firmware-"));
  made.defer(() => rm(directory, { recursive: true }));
  const lines: Line[] = [];
  const log: Log = (_level, message, facts = {}) => void lines.push({ atMs: performance.now(), message, facts });
  const rack = made.use(
    await startRack({ machines: of.machines, bridge, switchName: "tor-1", directory, log: () => {} }),
  );
  if (of.otherDhcp === true) made.use(await startDnsmasq(directory));
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const store = made.use(await openStore({ path: ":memory:", clock, log }));
  const random = { bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
  await using prepared = await loadersOf();
  const { loaders } = await readBootFiles({
    ...{ kernel: "/etc/hostname", initramfs: "/etc/hostname", loaderDirectory: prepared.directory },
    ...(of.signedImage === undefined ? {} : { signedImage: of.signedImage }),
  });
  const server = made.use(
    await startBootServer({
      connectionsPerAddress: clientConnectionLimit,
      ...{
        networks: [of.network],
        maxMachines: defaultMaxMachines,
        ports: { http: 80, machines: 443 },
        loaders,
        store,
        clock,
        log,
      },
      ...{ kernel: new Uint8Array(1000), initramfs: new Uint8Array(1000) },
      issueOrder: orderIssuer({ store, clock, random, orderSeconds: 600 }),
    }),
  );
  const kept = made.move();
  return {
    ...{ rack, store, lines, networks: server.networks },
    line: (what, seconds, holds) =>
      waitFor(what, seconds, () => lines.find(holds)).catch(async (cause) => {
        const consoles = await Promise.all(rack.machines.map(({ consoleLogPath }) => readFile(consoleLogPath, "utf8")));
        const said = lines.slice(-60).map(({ message, facts }) => `${message} ${JSON.stringify(facts)}`);
        throw new Error([...said, ...consoles.map((text) => text.slice(-3000))].join("\n"), { cause });
      }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
