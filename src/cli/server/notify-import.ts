import type { Api } from "../api/api.ts";
import type { ImportProgress } from "../output/import-progress.ts";

/** Notifies the server of a state directory how far an import is, so that its screens show it. */
export type ImportNotifier = AsyncDisposable & { readonly notify: (progress: ImportProgress) => void };

/** Time between two notes: the server shows an import until it hears nothing for 15 s. */
const notifyEveryMs = 1000;

/** Without a running server, or with an older one that does not know the route, nobody is notified. */
export async function openNotifier(stateDirectory: string, stream: string): Promise<ImportNotifier> {
  const { openApi } = await import("../api/api.ts");
  const api: Api | undefined = await openApi({ state: stateDirectory }).catch(() => undefined);
  let notifiedAtMs = Number.NEGATIVE_INFINITY;
  let notifying = Promise.resolve();
  const send = (body: object) => {
    notifying = notifying.then(async () => {
      await api?.ask("noteImport", { body }).catch(() => {});
    });
  };
  return {
    notify: ({ paths, readBytes, totalBytes }) => {
      const nowMs = performance.now();
      if (api === undefined || nowMs - notifiedAtMs < notifyEveryMs) return;
      notifiedAtMs = nowMs;
      send({ stream, paths, doneBytes: readBytes, totalBytes });
    },
    [Symbol.asyncDispose]: async () => {
      if (notifiedAtMs !== Number.NEGATIVE_INFINITY)
        send({ stream, paths: 0, doneBytes: 0, totalBytes: 0, ended: true });
      await notifying;
    },
  };
}
