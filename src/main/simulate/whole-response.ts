type Body = ConstructorParameters<typeof Response>[0];

const PlatformResponse = Response;

/**
 * The part of a Response that the apps of the server use, with its text at hand: undici's own makes a stream of each body and copies
 * the headers, which takes a tenth of a simulation's time. The listener of the server (@hono/node-server) puts such a class in its
 * place for the same reason.
 */
export class WholeResponse {
  readonly status: number;
  readonly #body: Body;
  readonly #init: ResponseInit["headers"];
  #headers: Headers | undefined;

  constructor(body?: Body, { status = 200, headers }: ResponseInit = {}) {
    this.status = status;
    this.#body = body;
    this.#init = headers;
  }
  get headers(): Headers {
    this.#headers ??= new Headers(this.#init);
    return this.#headers;
  }
  get body(): ReadableStream | null {
    return this.#whole().body;
  }
  /** One header; `name` in lower case. */
  header(name: string): string | null {
    const init = this.#init;
    if (this.#headers !== undefined || init === undefined || !isPlain(init)) return this.headers.get(name);
    for (const key in init) if (key.toLowerCase() === name) return init[key] ?? null;
    return null;
  }
  async text(): Promise<string> {
    return typeof this.#body === "string" ? this.#body : await this.#whole().text();
  }
  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    return await this.#whole().arrayBuffer();
  }
  #whole(): Response {
    return new PlatformResponse(this.#body);
  }
}

function isPlain(headers: NonNullable<ResponseInit["headers"]>): headers is Record<string, string> {
  return !(headers instanceof Headers || Symbol.iterator in headers);
}

/** Lets the apps of this process answer with it: they make their responses with the global class. */
export function answerWithWholeResponses(): void {
  Object.defineProperty(globalThis, "Response", { value: WholeResponse, configurable: true, writable: true });
}

/** The headers of a request, of which few are read. */
export class WholeHeaders {
  readonly #values = new Map<string, string>();

  constructor(values: Readonly<Record<string, string>>) {
    for (const name in values) this.#values.set(name.toLowerCase(), values[name] ?? "");
  }
  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null;
  }
  forEach(act: (value: string, name: string) => void): void {
    this.#values.forEach(act);
  }
}
