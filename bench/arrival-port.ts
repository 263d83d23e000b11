/** The servers as machines of bench/arrival reach them: over the wire, each from its own address. */

import { createSecureContext } from "node:tls";
import { Worker } from "node:worker_threads";
import { paths } from "../src/contract/machine/paths.ts";
import type { Mac } from "../src/core/net/mac.ts";
import type { MachineAnswer, MachineRequest, ServerPort } from "../src/fleet/ports.ts";
import type { Measures } from "../src/fleet/report/measures.ts";
import { type HttpAnswer, HttpConnection, postText } from "./arrival-http.ts";
import { askAgainAndAgain, drip, type Misdeed, sendMalformed } from "./arrival-misbehave.ts";
import { exchangeKey, type FromRelay, type ToRelay } from "./arrival-relay.ts";
import { permanentAddressOf, type ServerAt } from "./arrival-site.ts";
import { fetchByTftp } from "./arrival-tftp.ts";

export type ArrivalDeps = {
  readonly caPem: string;
  readonly measures: Measures;
  readonly failed: (what: string) => void;
  /** The machine with this MAC address or id. */
  readonly nthOf: (text: string) => number;
  readonly misdeedOf: (nth: number) => Misdeed | undefined;
  /** The machine runs what it is to run. */
  readonly isUp: (nth: number) => void;
};

/** The relay: the answer to a datagram, measured where nothing else is done. */
async function openRelay(measures: Measures) {
  const worker = new Worker(new URL("./arrival-relay.ts", import.meta.url));
  const waiting = new Map<string, (bytes: Uint8Array) => void>();
  await new Promise((resolve) => worker.once("message", resolve));
  worker.on("message", ({ bytes, key, ms }: FromRelay) => {
    measures.request("DHCP on the wire", ms);
    waiting.get(key)?.(bytes);
  });
  return (bytes: Uint8Array, server: string, answer: (bytes: Uint8Array) => void) => {
    waiting.set(exchangeKey(bytes), answer);
    worker.postMessage({ bytes, server } satisfies ToRelay);
  };
}

/** What a machine has open: one connection of its init, one of its agent, which each start of the agent opens anew. */
type Connections = {
  init?: ConnectionTo | undefined;
  agent?: ConnectionTo | undefined;
  running?: string;
};
type ConnectionTo = { readonly host: string; readonly connection: HttpConnection };

export async function openPorts(servers: readonly ServerAt[], deps: ArrivalDeps): Promise<readonly ServerPort[]> {
  const { measures, failed, nthOf, misdeedOf } = deps;
  const relay = await openRelay(measures);
  const machines = new MachineConnections(deps);
  return servers.map((server): ServerPort => {
    const fetchText = (path: string, localAddress: string, range?: string) =>
      get({ ...deps, host: server.temporary }, { path, localAddress, ...(range === undefined ? {} : { range }) });
    return {
      store: { byMac: () => undefined, get: () => undefined, list: () => [] },
      dhcp: ({ bytes }, answer) => {
        const mac = Buffer.from(bytes.subarray(28, 34)).toString("hex");
        const misdeed = misdeedOf(nthOf(mac));
        if (misdeed === "malformed") {
          relay(Uint8Array.from(bytes.subarray(0, 241)), server.temporary, answer);
          relay(Uint8Array.from(bytes).fill(255, 240), server.temporary, answer);
        }
        const copies = misdeed === "repeats" ? 20 : 1;
        for (let n = 0; n < copies; n += 1) relay(Uint8Array.from(bytes), server.temporary, answer);
      },
      script: (mac: Mac, address) => {
        machines.addressOf.set(nthOf(mac), address);
        if (misdeedOf(nthOf(mac)) === "drips") drip({ host: server.temporary, localAddress: address });
        return fetchText(`/boot/${mac.replace(/:/g, "-")}.ipxe`, address);
      },
      loaderSent: (address, file) => {
        const beganMs = performance.now();
        void fetchByTftp({ server: server.temporary, address, file }).then(
          () => measures.request("loader by TFTP", performance.now() - beganMs),
          (error: Error) => failed(`TFTP: ${error.message}`),
        );
      },
      askFile: (address, path) => {
        void fetchText(path, address, "bytes=0-65535");
        return { kind: "admitted" };
      },
      fileSent: () => {},
      ask: (request) => machines.ask(server, request),
      kill: () => {},
    };
  });
}

/** A whole text, or the first bytes of a file, from a machine's own address. */
async function get(
  { host, measures, failed }: { readonly host: string } & Pick<ArrivalDeps, "measures" | "failed">,
  { path, localAddress, range }: { readonly path: string; readonly localAddress: string; readonly range?: string },
): Promise<string | undefined> {
  const beganMs = performance.now();
  const connection = new HttpConnection({ host, localAddress });
  const wanted = range === undefined ? "" : `range: ${range}\r\n`;
  try {
    const { status, body } = await connection.ask(
      `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: iPXE/1.21.1\r\n${wanted}\r\n`,
    );
    measures.request(range === undefined ? "boot script" : "part of a boot file", performance.now() - beganMs);
    return status === 200 || status === 206 ? body.toString() : undefined;
  } catch (error) {
    failed(`GET: ${(error as Error).message.slice(0, 60)}`);
    return undefined;
  } finally {
    connection.close();
  }
}

class MachineConnections {
  /** The temporary address of each machine. */
  readonly addressOf = new Map<number, string>();
  readonly #deps: ArrivalDeps;
  readonly #trusted;
  readonly #machines = new Map<number, Connections>();

  constructor(deps: ArrivalDeps) {
    this.#deps = deps;
    this.#trusted = createSecureContext({ ca: deps.caPem });
  }

  async ask(server: ServerAt, request: MachineRequest): Promise<MachineAnswer> {
    const { path, body, bearer } = request;
    const { failed, nthOf, misdeedOf, isUp } = this.#deps;
    const isAgent = path.startsWith("/sub/");
    const nth = nthOf(bearer?.split(".")[0] ?? (JSON.parse(body) as { readonly mac: string }).mac);
    const misdeed = misdeedOf(nth);
    if (misdeed === "hangs" && path !== paths.order) return await new Promise(() => undefined);
    const target = {
      host: isAgent ? server.permanent : server.temporary,
      localAddress: isAgent ? permanentAddressOf(nth) : (this.addressOf.get(nth) ?? ""),
      trusted: this.#trusted,
    };
    if (misdeed === "malformed") await sendMalformed(target, { path, bearer });
    const connection = this.#connectionFor(nth, isAgent ? "agent" : "init", { target, request });
    const text = postText(path, body, bearer);
    try {
      const answer = await (misdeed === "repeats" ? askAgainAndAgain(connection, text) : connection.ask(text));
      return this.#received(nth, { path, answer, isUp });
    } catch (error) {
      if (misdeed === undefined) failed(`${path}: ${(error as Error).message.slice(0, 60)}`);
      return { status: 503, body: "{}" };
    }
  }

  #connectionFor(
    nth: number,
    program: "init" | "agent",
    {
      target,
      request,
    }: { readonly target: ConstructorParameters<typeof HttpConnection>[0]; readonly request: MachineRequest },
  ): HttpConnection {
    const machine = this.#machines.get(nth) ?? {};
    this.#machines.set(nth, machine);
    const running = /"running":"(\w+)"/.exec(request.body)?.[1];
    const hasRestarted = running !== undefined && running !== machine.running;
    if (running !== undefined) machine.running = running;
    const known = machine[program];
    // A client whose request took too long gives its connection up.
    if (known?.host === target.host && !hasRestarted) {
      const { isOpen, isBusy } = known.connection;
      if (isOpen && !isBusy) return known.connection;
    }
    known?.connection.close();
    const connection = new HttpConnection(target);
    machine[program] = { host: target.host, connection };
    return connection;
  }

  #received(
    nth: number,
    {
      path,
      answer,
      isUp,
    }: { readonly path: string; readonly answer: HttpAnswer; readonly isUp: (nth: number) => void },
  ): MachineAnswer {
    const { status, body, ...rest } = answer;
    const text = body.toString();
    const machine = this.#machines.get(nth);
    if (path === paths.healthy && status === 200) machine?.init?.connection.close();
    if (path === paths.subPoll && text.includes('"upToDate":true')) isUp(nth);
    return { status, body: text, ...rest };
  }
}
