import { type ChildProcess, fork } from "node:child_process";
import type { Log } from "../../core/ports.ts";
import type { Right } from "../sub/right.ts";
import { keepChild } from "./child.ts";
import type { NginxPlace } from "./nginx.ts";
import { objectsSocket, type TlsFiles } from "./nginx-configuration.ts";
import type { OriginNote, OriginOrder } from "./origin-messages.ts";

/** What our own process needs: the place of nginx, which it can take. */
export type OwnServerDeps = NginxPlace & {
  readonly objects: string;
  readonly images: string;
  readonly texts: OriginTexts;
  /** Serve confidential contents, over TLS. */
  readonly confidential?: {
    /** The directory of confidential contents, by stream. */
    readonly streams: string;
    readonly tls: TlsFiles;
    /** Who may read what, by the `Authorization` header of a request. */
    readonly rightOf: (authorization: string) => Right;
    /** Requests of an address. */
    readonly requestsPerMinute: number;
  };
  /** The program that answers what nginx does not (origin-messages.ts), and everything without it. */
  readonly program: URL;
  readonly log: Log;
};

/** How the log names what is served, and where. */
export type OriginTexts = { readonly what: string; readonly portKey: string; readonly otherPortKey: string };

/** The part of the order that can be sent. */
function confidentialPart({
  confidential,
}: OwnServerDeps): Pick<Extract<OriginOrder, { kind: "begin" }>, "confidential"> {
  if (confidential === undefined) return {};
  const { streams, tls, requestsPerMinute } = confidential;
  return { confidential: { streams, tls, requestsPerMinute } };
}

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
          this.#take(note, child);
        });
        this.#send(child, {
          ...{ kind: "begin", objects: deps.objects, images: deps.images, socket: objectsSocket },
          connectionsPerAddress: deps.connectionsPerAddress,
          ...confidentialPart(deps),
        });
        if (this.#wantsPort) this.#askForPort(child);
        return child;
      },
      onEnd: (why) => {
        this.isListening = false;
        log("warn", `the process that serves ${deps.texts.what} ended; it is started again`, { why });
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

  #take(note: OriginNote, child: ChildProcess): void {
    const { log, addresses, port, texts, confidential } = this.#deps;
    switch (note.kind) {
      case "log":
        log(note.level, note.message, note.facts);
        break;
      case "began":
        break;
      case "askRight":
        if (confidential !== undefined)
          this.#send(child, { kind: "right", id: note.id, right: confidential.rightOf(note.authorization) });
        break;
      case "listening":
        this.isListening = true;
        this.#isFirstAnswer?.();
        break;
      case "failed": {
        const next = `free the port or set ${texts.portKey}; machines fetch from ${texts.otherPortKey} meanwhile`;
        log("error", `${texts.what} have no port of their own`, { addresses, port, reason: note.reason, next });
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
