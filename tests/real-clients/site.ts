import { randomBytes } from "node:crypto";
import { type BootServer, queuedSizes, startBootServer } from "../../src/boot-server/boot-server.ts";
import type { HttpHandler } from "../../src/boot-server/http/server.ts";
import { openUplinkQueue } from "../../src/boot-server/http/uplink-queue.ts";
import { clientConnectionLimit } from "../../src/core/network/connections.ts";
import { defaultMaxMachines } from "../../src/core/network/newcomer-limit.ts";
import { testNetwork } from "../../src/core/network/testing/test-network.ts";
import type { Clock, Log, Store } from "../../src/core/ports.ts";
import { uplinkBytesPerSecond } from "../../src/core/uplink/fetch-queue.ts";
import { openWaitingNotes } from "../../src/core/uplink/waiting-notes.ts";
import { orderIssuer } from "../../src/mdb/machine-api/issue-order.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { waitFor } from "../support/inside-namespace.ts";
import { layWire, type Wire } from "./wire.ts";

/** Client's MAC address in every test. */
export const mac = "52:54:00:0a:0b:0c";
export const id = "m-5254000a0b0c";

/** Bytes that compression or a text mode would change. */
export const loader = Uint8Array.from({ length: 97_782 }, (_, index) => (index * 7 + (index >> 8)) & 255);
/** Length of `small.bin`, the beginning of the loader: for transfers over wires on which each block takes long. */
export const smallBytes = 20_000;
const kernel = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 11) & 255);
const initramfs = Uint8Array.from({ length: 500_000 }, (_, index) => (index * 13) & 255);

/** A Boot Server with an MDB in memory at one end of a cable, and a client's namespace at the other. */
export type Site = AsyncDisposable & {
  readonly wire: Wire;
  readonly store: Store;
  readonly lines: readonly string[];
  readonly traffic: BootServer["traffic"];
  /** Ends the Boot Server cleanly; the MDB stays. */
  readonly endServer: () => Promise<void>;
};

/** Starts a site; `nursery` says whether unknown machines are born there. */
export async function startSite(
  options: {
    readonly nursery?: boolean;
    readonly handlers?: HttpHandler[];
    readonly uplinkMbps?: number;
    readonly maxNewMachinesPerMinute?: number;
    /** The file of the MDB; by default it is in memory. */
    readonly database?: string;
    /** Keeps warnings and errors only, for a test that logs a hundred thousand lines. */
    readonly quiet?: boolean;
  } = {},
): Promise<Site> {
  const lines: string[] = [];
  const isKept = (level: string) => options.quiet !== true || level === "warn" || level === "error";
  const log: Log = (level, message, facts) =>
    void (isKept(level) && lines.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`));
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  await using made = new AsyncDisposableStack();
  const wire = made.use(await layWire({ mac, addresses: ["10.77.0.1/24", "10.77.1.1/24"] }));
  const store = made.use(await openStore({ path: options.database ?? ":memory:", clock, log }));
  const random = { bytes: (count: number) => new Uint8Array(randomBytes(count)) };
  const { nursery = true, maxNewMachinesPerMinute } = options;
  const network = testNetwork({
    ...{ interface: wire.serverInterface, nursery },
    // No other server is on the cable, so there is no need to search for one.
    allowForeignDhcp: true,
    ...(maxNewMachinesPerMinute === undefined ? {} : { maxNewMachinesPerMinute }),
  });
  const server = made.use(
    await startBootServer({
      connectionsPerAddress: clientConnectionLimit,
      ...{ networks: [network], ports: { http: 80, machines: 443 }, kernel, initramfs, store, clock, log },
      loaders: new Map([
        ["undionly.kpxe", loader],
        ["snponly.efi", loader],
        ["grubx64.efi", loader],
        ["small.bin", loader.subarray(0, smallBytes)],
      ]),
      issueOrder: orderIssuer({ store, clock, random, orderSeconds: 600 }),
      ...{ handlers: options.handlers ?? [], maxMachines: defaultMaxMachines },
      ...(options.uplinkMbps === undefined ? {} : { uplinkQueue: queueFor(options.uplinkMbps, { store, clock, log }) }),
    }),
  );
  const all = made.move();
  return {
    ...{ wire, store, lines, traffic: server.traffic },
    endServer: async () => server[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function queueFor(
  megabitsPerSecond: number,
  deps: { readonly store: Store; readonly clock: Clock; readonly log: Log },
) {
  const bytesPerSecond = uplinkBytesPerSecond(megabitsPerSecond);
  const sizes = queuedSizes({ kernel, initramfs });
  return openUplinkQueue({ ...deps, bytesPerSecond, sizes, notes: openWaitingNotes(deps) });
}

/** Waits for a condition on a site; throws an error with the condition and the log when it does not come within a minute. */
export async function until(site: Pick<Site, "lines">, what: string, holds: () => boolean): Promise<void> {
  await waitFor(what, 60, () => holds() || undefined).catch((cause) => {
    throw new Error(`${what}\n${site.lines.join("\n")}`, { cause });
  });
}
