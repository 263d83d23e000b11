import { mkdirSync } from "node:fs";
import { findNginx } from "./nginx.ts";
import type { NginxContents } from "./nginx-configuration.ts";
import { NginxServer } from "./nginx-server.ts";
import { OwnServer, type OwnServerDeps } from "./own-server.ts";

/** The server of images, or of confidential ones, on a port of its own. */
export type Origin = AsyncDisposable & {
  /** By what the port is served now; undefined if it is not: machines then fetch from the port of the Boot Server. */
  readonly servedBy: () => OriginServer | undefined;
};

/** nginx, or a process of ours. */
export type OriginServer = "nginx" | "birther";

/** How the log names the two servers. */
const texts = {
  public: { what: "images", portKey: "ports.images", otherPortKey: "ports.http" },
  confidential: { what: "confidential images", portKey: "ports.confidential", otherPortKey: "ports.machines" },
} as const;

type OriginDeps = Omit<OwnServerDeps, "texts" | "serves"> & {
  /** The path of nginx; by default the installed one, if there is any. */
  readonly nginx?: string | undefined;
};

/**
 * Serves images on a port of their own, outside this process: by nginx if it is installed, otherwise by a process of ours. Never throws for a
 * port that is taken or a program that does not start: the log says what to do, and machines fetch from the other port meanwhile.
 */
export async function openOrigin(options: OriginDeps): Promise<Origin> {
  const { objects, confidential } = options;
  const serves: NginxContents =
    confidential === undefined
      ? { kind: "public", objects }
      : { kind: "confidential", streams: confidential.streams, tls: confidential.tls };
  const deps = { ...options, serves, texts: texts[serves.kind] };
  mkdirSync(deps.directory, { recursive: true, mode: 0o700 });
  await using opened = new AsyncDisposableStack();
  const own = opened.use(new OwnServer(deps));
  await own.hasBegun;
  const program = "nginx" in deps ? deps.nginx : findNginx();
  let nginx: NginxServer | undefined;
  if (program === undefined) {
    const next = "apt-get install nginx-light, and restart: it needs a tenth of the processor time";
    deps.log("info", `${deps.texts.what} are served by a process of Birther, because nginx is not installed`, { next });
    await own.listen();
  } else {
    nginx = opened.use(new NginxServer(program, deps, () => own.listen()));
    await nginx.hasBegun;
  }
  const running = opened.move();
  return {
    servedBy: () => (own.isListening ? "birther" : nginx?.isListening === true ? "nginx" : undefined),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
