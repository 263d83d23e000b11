import type { BootServer } from "../../boot-server/boot-server.ts";
import type { Copies } from "../../dominator/copies/copies.ts";
import type { OtherLogs } from "../../dominator/copies/other-logs.ts";
import { collectInThread } from "../../dominator/storage/collect/collect-thread.ts";
import { openCatalogue } from "../../dominator/storage/image-catalogue.ts";
import type { openTaskThread } from "../../dominator/thread/thread.ts";
import type { openExports } from "../../mdb/exports/exports.ts";
import { adoptImports } from "../../mdb/image-streams/first-current.ts";
import { operatorApp } from "../../mdb/operator-api/app.ts";
import type { backupsIn } from "../../mdb/operator-api/backup-stream.ts";
import { callersIn } from "../../mdb/operator-api/caller/callers.ts";
import { startOperatorServer, startOperatorTls } from "../../mdb/operator-api/server.ts";
import { operatorCertificate } from "../../mdb/tls/operator-certificate.ts";
import { dashboardAddress } from "../dashboard/address.ts";
import { dashboardPages } from "../dashboard/pages.ts";
import { version } from "../version.ts";
import { deadlineRulesOf, pkiOf, planOf, type Shared, storesIn } from "./shared.ts";

/** Starts the operators' API on its socket and over TLS. */
export async function startForOperators(
  shared: Shared,
  parts: {
    readonly bootServer: BootServer;
    readonly exports: ReturnType<typeof openExports>;
    readonly backup: ReturnType<typeof backupsIn>;
    readonly takeActs: () => Promise<void>;
    readonly listImages: Copies["images"];
    readonly otherLogs: OtherLogs | undefined;
    readonly tasks: ReturnType<typeof openTaskThread>;
    readonly bases: readonly string[] | undefined;
  },
  opened: AsyncDisposableStack,
): Promise<void> {
  const { config, paths, store, models, images, clock, random, log } = shared;
  const { networks, packetsOf } = parts.bootServer;
  const { tokens, sessions } = callersIn({ store, clock, random, log });
  const { blastRadius } = config;
  const ending = new AbortController();
  const certificate = operatorCertificate({ config: config.operators, pki: pkiOf(shared), clock, log });
  const { addresses, names } = config.operators;
  const pages = dashboardPages(log);
  const app = operatorApp({
    dashboardAddress: () =>
      dashboardAddress({ addresses, names, port: config.ports.operators, certificate, bases: parts.bases }),
    ...{ store, models, clock, log, version, packetsOf, networks, blastRadius, tokens, sessions },
    ...deadlineRulesOf(config),
    ...{
      exports: parts.exports,
      backup: parts.backup,
      takeActs: parts.takeActs,
      ending: ending.signal,
      otherLogs: parts.otherLogs,
    },
    plan: planOf(config),
    catalogue: {
      ...openCatalogue({ images, store, tasks: parts.tasks }),
      collect: (isDryRun) =>
        collectInThread({ ...storesIn(paths), isDryRun, olderThanMs: Number.POSITIVE_INFINITY }, ending.signal),
      isInRules: (name) => config.images.some(({ image }) => image === name),
    },
    images: async () => {
      const views = await parts.listImages();
      await adoptImports({ store, clock, log }, images.known());
      return views;
    },
  });
  opened.use(await startOperatorServer({ path: paths.operatorSocket, app, log }));
  opened.use(await startOperatorTls({ addresses, port: config.ports.operators, certificate, app, pages, log }));
  // Before the listeners close, so that feeds end properly.
  opened.defer(() => ending.abort());
}
