import { statSync } from "node:fs";
import type { Log } from "../../core/ports.ts";
import { keepChild } from "./child.ts";
import { type NginxPlace, type StartedNginx, startNginx } from "./nginx.ts";
import type { TlsFiles } from "./nginx-configuration.ts";
import type { OriginTexts } from "./own-server.ts";

/** nginx that fails this often in a row is not started again: our own process takes its place. */
const nginxTries = 3;
const startMs = 10_000;

/** Keeps nginx running; after too many failures, gives up and calls `instead`. */
export class NginxServer implements AsyncDisposable {
  isListening = false;
  readonly hasBegun: Promise<void>;
  readonly #kept: ReturnType<typeof keepChild>;
  readonly #renewals: NodeJS.Timeout | undefined;

  constructor(
    program: string,
    deps: NginxPlace & { readonly texts: OriginTexts; readonly log: Log },
    instead: () => Promise<void>,
  ) {
    const { addresses, port, texts, log } = deps;
    let lastLine = "";
    let begun = () => {};
    this.hasBegun = new Promise((resolve) => {
      begun = resolve;
    });
    const place: NginxPlace = {
      ...{ addresses, port, serves: deps.serves },
      ...{ connectionsPerAddress: deps.connectionsPerAddress, directory: deps.directory },
    };
    const watch = async ({ child, serves }: StartedNginx) => {
      if (!(await serves(startMs))) {
        child.kill("SIGTERM");
        return;
      }
      this.isListening = true;
      log("info", `${texts.what} are served by nginx`, { program, addresses, port });
      begun();
    };
    this.#kept = keepChild({
      start: () => {
        const started = startNginx(program, place, (line) => {
          lastLine = line;
          log("warn", "nginx says", { line });
        });
        void watch(started);
        return started.child;
      },
      onEnd: (why, inARow) => {
        this.isListening = false;
        const facts = { why, ...(lastLine === "" ? {} : { lastLine }) };
        if (inARow < nginxTries) {
          log("warn", "nginx ended; it is started again, and machines fetch from the other port meanwhile", facts);
          return "again";
        }
        const next = "mend what nginx says, and restart the server";
        log("warn", `nginx does not run; ${texts.what} are served by a process of Birther instead`, { ...facts, next });
        void instead().then(begun);
        return "stop";
      },
    });
    if (deps.serves.kind === "confidential") this.#renewals = renewing(deps.serves.tls, () => this.#reload(log));
  }

  /** A new master would need the port; a reload keeps it, and connections go on. */
  #reload(log: Log): void {
    log("info", "nginx takes the new server certificate", {});
    this.#kept.current()?.kill("SIGHUP");
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.isListening = false;
    clearInterval(this.#renewals);
    return this.#kept[Symbol.asyncDispose]() as Promise<void>;
  }
}

const renewMs = 60_000;

/** Calls back after the files of a certificate have changed. */
function renewing({ certificate, key }: TlsFiles, renewed: () => void): NodeJS.Timeout {
  const read = () => {
    try {
      return [certificate, key].map((path) => statSync(path).mtimeMs).join();
    } catch {
      // Between two names; the next look sees it.
      return known;
    }
  };
  let known = "";
  known = read();
  const look = () => {
    const now = read();
    if (now === known) return;
    known = now;
    renewed();
  };
  return setInterval(look, renewMs).unref();
}
