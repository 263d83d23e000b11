import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultDeadlineSeconds } from "../../src/core/machine/health/deadlines.ts";
import type { Machine } from "../../src/core/machine/record.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import type { Store } from "../../src/core/ports.ts";
import type { Role } from "../../src/core/role.ts";
import type { PlannedSlot } from "../../src/core/site/site-plan.ts";
import { dashboardPages } from "../../src/main/dashboard/pages.ts";
import { systemRandom as random, systemClock } from "../../src/main/system-ports.ts";
import { openLoneExports } from "../../src/mdb/exports/lone-exports.ts";
import type { MachineEntry } from "../../src/mdb/journal/journal.ts";
import { modelsOf } from "../../src/mdb/models.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { operatorApp } from "../../src/mdb/operator-api/app.ts";
import { backupsIn } from "../../src/mdb/operator-api/backup-stream.ts";
import { callersIn } from "../../src/mdb/operator-api/caller/callers.ts";
import { startOperatorTls } from "../../src/mdb/operator-api/server.ts";
import { openJournalThread } from "../../src/mdb/sqlite/thread.ts";
import { noCatalogue } from "../../src/mdb/testing/no-catalogue.ts";
import { operatorCertificate } from "../../src/mdb/tls/operator-certificate.ts";
import { freePort } from "../support/free-port.ts";
import { siteNetworks, sitePackets } from "./site.ts";

/** The operators' server as main starts it, with the dashboard, on a free port of the loopback. */
export type DashboardServer = AsyncDisposable & {
  readonly base: string;
  readonly store: Store;
  readonly lines: readonly string[];
  readonly token: (name: string, role: Role) => Promise<string>;
  readonly revoke: (name: string) => Promise<boolean>;
  /** The path of a one-time link. */
  readonly link: (role: Role) => string;
  /** Ends the server that listens, with every connection, and starts it again on the same port and database. */
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
};

/** Starts a server over a fleet of these machines, which expects machines in the slots of a plan. */
export async function startDashboardServer(
  machines: AsyncIterable<Machine>,
  { plan = [] }: { readonly plan?: readonly PlannedSlot[] } = {},
): Promise<DashboardServer> {
  const life = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "birther-dashboard-"));
  life.defer(() => rm(directory, { recursive: true }));
  const path = join(directory, "mdb.sqlite");
  await fill(path, machines);
  const clock = systemClock;
  const lines: string[] = [];
  const log = (...text: unknown[]) => void lines.push(JSON.stringify(text));
  const addresses = [ip("127.0.0.1")];
  const port = await freePort();
  const store = life.use(await openStore({ path, clock, log }));
  const exports = life.use(openLoneExports(store, clock));
  const callers = callersIn({ store, clock, random, log });
  const pki = { directory: join(directory, "pki") };
  const certificate = operatorCertificate({ config: { addresses, names: [] }, pki, clock, log });
  const pages = dashboardPages(log);
  let running: AsyncDisposable | undefined;
  const start = async () => {
    const app = operatorApp({
      models: modelsOf(store),
      ...{ store, clock, log, version: "0.1.0", exports, ...callers, deadlineSeconds: defaultDeadlineSeconds },
      ...{
        networks: siteNetworks,
        packetsOf: sitePackets,
        catalogue: noCatalogue(),
        backup: backupsIn(directory, store),
      },
      plan,
      blastRadius: { machines: 10, percent: 10, perSeconds: 3600 },
      images: async () =>
        [1, 2].map((n) => ({ name: `compute/${n}`, entries: 81_234, bytes: 3.2e9, importedAtMs: 1.79e12 })),
    });
    running = await startOperatorTls({ addresses, port, certificate, app, pages, log });
  };
  const stop = async () => {
    await running?.[Symbol.asyncDispose]();
    running = undefined;
  };
  await start();
  life.defer(stop);
  return {
    ...{ base: `https://127.0.0.1:${port}`, store, lines, start, stop },
    token: async (name, role) => {
      const made = await callers.tokens.create({ name, role, by: "test" });
      if (made.kind !== "created") throw new Error(`token ${name}: ${made.kind}`);
      return made.token;
    },
    revoke: (name) => callers.tokens.revoke(name, "test"),
    link: (role) => {
      const link = callers.sessions.createLink("root", role);
      if (link === undefined) throw new Error("no link");
      return link.path;
    },
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  };
}

async function fill(path: string, machines: AsyncIterable<Machine>): Promise<void> {
  await using journal = await openJournalThread(path);
  const { position } = await journal.load();
  const entries: MachineEntry[] = [];
  for await (const machine of machines) {
    const event = { kind: "subSeen", id: machine.id } as const;
    entries.push({ kind: "machine", machine, before: undefined, event, atMs: machine.lastSeenAtMs, absorbed: [] });
  }
  const applyRemote = () => {
    throw new Error("expected to be the only writer");
  };
  await journal.commit({ since: () => position, known: () => undefined, applyRemote, entries: () => entries });
}
