import { type ChildProcess, fork } from "node:child_process";
import type { Log } from "../../core/ports.ts";
import { keepChild } from "./child.ts";
import type { NginxPlace } from "./nginx.ts";
import { objectsSocket } from "./nginx-configuration.ts";
import type { OriginNote, OriginOrder } from "./origin-messages.ts";

/** What our own process needs: the place of nginx, which it can take. */
export type OwnServerDeps = NginxPlace & {
  readonly images: string;
  /** The program that answers what nginx does not (origin-messages.ts), and everything without it. */
  readonly program: URL;
  readonly log: Log;
};

/** Node runs the program as TypeScript, which it warns of. */
const execArgv = ["--disable-warning=ExperimentalWarning"];
/** The port may become free. */
const portRetryMs = 30_000;

/** Keeps our own process running: behind nginx on a socket and, once `listen` was called, on the port. */
export class OwnServer implements AsyncDisposable {
  isListening = false;
  readonly hasBegun: Promise<void>;
  readonly #kept: ReturnType<typeof keepChild>;
  readonly #deps: OwnServerDeps;
  #wantsPort = false;
  #isFirstAnswer: (() => void) | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(deps: OwnServerDeps) {
    this.#deps = deps;
    const { log } = deps;
    let begun = () => {};
    this.hasBegun = new Promise((resolve) => {
      begun = resolve;
    });
    this.#kept = keepChild({
      start: () => {
        const child = fork(deps.program, { cwd: deps.directory, detached: true, execArgv });
        child.on("message", (note: OriginNote) => {
          if (note.kind === "began") begun();
          this.#take(note);
        });
        this.#send(child, {
          ...{ kind: "begin", objects: deps.objects, images: deps.images, socket: objectsSocket },
          connectionsPerAddress: deps.connectionsPerAddress,
        });
        if (this.#wantsPort) this.#askForPort(child);
        return child;
      },
      onEnd: (why) => {
        this.isListening = false;
        log("warn", "the process that serves images ended; it is started again", { why });
        begun();
        this.#isFirstAnswer?.();
        return "again";
      },
    });
  }

  /** Takes the port, now and after each restart; resolves with the first answer, good or bad. */
  async listen(): Promise<void> {
    this.#wantsPort = true;
    const answered = new Promise<void>((resolve) => {
      this.#isFirstAnswer = resolve;
    });
    this.#askForPort(this.#kept.current());
    await answered;
  }

  #send(child: ChildProcess | undefined, order: OriginOrder): void {
    // A process that has just ended is started again, and then gets all orders.
    if (child?.connected === true) child.send(order, () => undefined);
  }

  #askForPort(child: ChildProcess | undefined): void {
    const { addresses, port } = this.#deps;
    this.#send(child, { kind: "listen", addresses, port });
  }

  #take(note: OriginNote): void {
    const { log, addresses, port } = this.#deps;
    switch (note.kind) {
      case "log":
        log(note.level, note.message, note.facts);
        break;
      case "began":
        break;
      case "listening":
        this.isListening = true;
        this.#isFirstAnswer?.();
        break;
      case "failed": {
        const next = "free the port or set ports.images; machines fetch from ports.http meanwhile";
        log("error", "images have no port of their own", { addresses, port, reason: note.reason, next });
        this.#retry = setTimeout(() => this.#askForPort(this.#kept.current()), portRetryMs).unref();
        this.#isFirstAnswer?.();
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#retry);
    this.isListening = false;
    return this.#kept[Symbol.asyncDispose]() as Promise<void>;
  }
}
