import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls, type SecureContext } from "node:tls";

/** Where a machine connects to, and from which of its addresses. */
export type Target = {
  readonly host: string;
  readonly localAddress: string;
  /** With TLS, and the authorities that it trusts; without, plain HTTP. */
  readonly trusted?: SecureContext;
};

export type HttpAnswer = { readonly status: number; readonly body: Buffer; readonly retryAfterSeconds?: number };

type Waiting = { readonly resolve: (answer: HttpAnswer) => void; readonly reject: (cause: Error) => void };

/**
 * A connection of one machine, which asks one thing after the other (RFC 9112). Node's own client costs as much processor time
 * as the server that is measured; this one reads answers with a length only, as ours have one.
 */
export class HttpConnection {
  readonly #socket: Socket;
  #waiting: Waiting | undefined;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Of the answer that arrives: its length with its head, once the head is there. */
  #whole: { readonly head: string; readonly bodyAt: number; readonly end: number } | undefined;
  isOpen = true;

  constructor({ host, localAddress, trusted }: Target) {
    const where = { host, localAddress };
    this.#socket =
      trusted === undefined
        ? connectPlain({ ...where, port: 80 })
        : connectTls({ ...where, port: 443, secureContext: trusted, servername: "birther" });
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (piece: Buffer) => this.#receive(piece));
    this.#socket.on("error", (cause) => this.#end(cause));
    this.#socket.on("close", () => this.#end(new Error("the connection has ended")));
  }

  get isBusy(): boolean {
    return this.#waiting !== undefined;
  }

  /** Sends a whole request; rejects when the connection ends first. */
  ask(request: string): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new Error("the connection has ended"));
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
    this.#end(new Error("closed by the machine"));
  }

  #end(cause: Error): void {
    this.isOpen = false;
    this.#waiting?.reject(cause);
    this.#waiting = undefined;
  }

  #receive(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#whole === undefined) {
      const bytes = this.#joined();
      const headEnd = bytes.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const head = bytes.toString("latin1", 0, headEnd);
      const length = headerOf(head, "content-length");
      if (length === undefined) {
        this.close();
        return;
      }
      this.#whole = { head, bodyAt: headEnd + 4, end: headEnd + 4 + Number(length) };
    }
    if (this.#bytes < this.#whole.end) return;
    const { head, bodyAt, end } = this.#whole;
    const body = this.#joined().subarray(bodyAt, end);
    this.#whole = undefined;
    this.#pieces = [];
    this.#bytes = 0;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (headerOf(head, "connection")?.toLowerCase() === "close") this.close();
    const retryAfter = headerOf(head, "retry-after");
    const retry = retryAfter === undefined ? {} : { retryAfterSeconds: Number(retryAfter) };
    waiting?.resolve({ status: Number(head.slice(9, 12)), body, ...retry });
  }

  #joined(): Buffer {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] ?? Buffer.alloc(0);
  }
}

function headerOf(head: string, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: *([^\\r]*)`, "i").exec(head)?.[1];
}

/** The text of a POST with this JSON. */
export function postText(path: string, body: string, bearer?: string): string {
  const authorization = bearer === undefined ? "" : `authorization: Bearer ${bearer}\r\n`;
  const length = Buffer.byteLength(body);
  return `POST ${path} HTTP/1.1\r\nhost: birther\r\n${authorization}content-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`;
}
