import type { Log } from "../../core/ports.ts";
import { keepChild } from "./child.ts";
import { type NginxPlace, type StartedNginx, startNginx } from "./nginx.ts";

/** nginx that fails this often in a row is not started again: our own process takes its place. */
const nginxTries = 3;
const startMs = 10_000;

/** Keeps nginx running; after too many failures, gives up and calls `instead`. */
export class NginxServer implements AsyncDisposable {
  isListening = false;
  readonly hasBegun: Promise<void>;
  readonly #kept: ReturnType<typeof keepChild>;

  constructor(program: string, deps: NginxPlace & { readonly log: Log }, instead: () => Promise<void>) {
    const { addresses, port, log } = deps;
    let lastLine = "";
    let begun = () => {};
    this.hasBegun = new Promise((resolve) => {
      begun = resolve;
    });
    const place: NginxPlace = {
      ...{ addresses, port, objects: deps.objects },
      ...{ connectionsPerAddress: deps.connectionsPerAddress, directory: deps.directory },
    };
    const watch = async ({ child, serves }: StartedNginx) => {
      if (!(await serves(startMs))) {
        child.kill("SIGTERM");
        return;
      }
      this.isListening = true;
      log("info", "images are served by nginx", { program, addresses, port });
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
        log("warn", "nginx does not run; images are served by a process of Birther instead", { ...facts, next });
        void instead().then(begun);
        return "stop";
      },
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.isListening = false;
    return this.#kept[Symbol.asyncDispose]() as Promise<void>;
  }
}
